"""`/account/security/passkeys`: a user's passkeys: add, name, remove (WebAuthn Level 3 §7.1)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import STALE, AccountLayout
from tessera_idp.endpoints.audit_trail import AuditTrail
from tessera_idp.endpoints.page_declarations import CSRF, NOT_ACCEPTED, PAGE, TO_LOGIN
from tessera_idp.protocol.models import Session
from tessera_idp.protocol.passkey import HANDLE_BYTES, MOST_NAME, MOST_PASSKEYS, Passkey, RelyingParty, passkey_name
from tessera_idp.protocol.passkey_ceremony import (
    CeremonyRefused,
    PasskeyUser,
    Registered,
    creation_options,
    read_registration,
    verify_registration,
)
from tessera_idp.store.passkey_challenges import PasskeyChallenges
from tessera_idp.store.passkeys import PasskeyStore
from tessera_shared import clock, logging
from tessera_shared.audit import Event
from tessera_shared.errors import OAuthError
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.form import Form
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply
from tessera_shared.translatable import N_

PATH = "/account/security/passkeys"
_LIFETIME = timedelta(minutes=10)
_REFUSED = N_("That passkey could not be added. Try again, or use another device.")
_GONE = N_("There is no such passkey any more.")
_FULL = N_("You have as many passkeys as an account can have. Remove one first.")
_DONE = Reply(303, "To the page again, or to the login page", headers=("Location",))


@dataclass(frozen=True, slots=True)
class PasskeysEndpoint:
    """The page of passkeys and its forms."""

    guard: AccountGuard
    layout: AccountLayout
    passkeys: PasskeyStore
    challenges: PasskeyChallenges
    party: RelyingParty
    trail: AuditTrail

    async def show(self, request: Request) -> Response:
        """GET."""
        session = await self.guard.enter(request, fresh=True)
        return session if isinstance(session, Response) else await self._page(request, session)

    async def submit(self, request: Request) -> Response:
        """POST: one of the page's buttons."""
        # 1. by whom, and from the page that this browser was shown
        session = await self.guard.enter(request, fresh=True)
        if isinstance(session, Response):
            return session
        sent = await form.body(request)
        sent.refuse_repeated()
        if not self.layout.is_own(request, sent, session):
            return await self._page(request, session, STALE, 403)
        # 2. which button
        match sent.get("action"):
            case "add":
                problem = await self._add(request, session, sent)
            case "rename":
                problem = await self._rename(session, sent)
            case "remove":
                problem = await self._remove(request, session, sent)
            case _:
                raise OAuthError(
                    "invalid_request", "The form does not say what to do.", expected="add, rename or remove"
                )
        # 3. the page again, by a request of its own where something changed
        if problem is not None:
            return await self._page(request, session, problem, 403)
        return RedirectResponse(PATH, 303, NO_STORE)

    def endpoints(self) -> list[Endpoint]:
        """The page's declaration."""
        show, submit = as_page(self.layout.pages, self.show), as_page(self.layout.pages, self.submit)
        sent = (
            CSRF,
            Parameter("action", "The button", required=True, values=("add", "rename", "remove")),
            Parameter("credential", "add: the browser's answer, a RegistrationResponseJSON"),
            Parameter("name", "add, rename: what to call the passkey", example="My phone"),
            Parameter("id", "rename, remove: which passkey"),
        )
        section = "WebAuthn Level 3 §7.1"
        return [
            Endpoint(
                PATH,
                (
                    Operation("GET", "Account: passkeys", show, replies=(PAGE, TO_LOGIN)),
                    Operation(
                        "POST",
                        "Add, name or remove a passkey",
                        submit,
                        sent,
                        (_DONE, NOT_ACCEPTED),
                        section=section,
                    ),
                ),
            )
        ]

    async def _add(self, request: Request, session: Session, sent: Form) -> str | None:
        now = clock.now()
        try:
            registered = await self._registered(session, sent.get("credential") or "", now)
        except CeremonyRefused as refused:
            logging.get().info("passkey refused", sub=session.sub, reason=str(refused))
            refusal = Event("factor.added", session.sub, "refused", {"method": "passkey", "reason": str(refused)})
            await self.trail.record(request, session.sub, refusal)
            return _REFUSED
        passkey = Passkey(
            credential_id=registered.credential_id,
            id=secrets.token_urlsafe(12),
            sub=session.sub,
            name=passkey_name(sent.get("name")),
            public_key=registered.public_key,
            sign_count=registered.sign_count,
            transports=registered.transports,
            backup_eligible=registered.backup_eligible,
            backed_up=registered.backed_up,
            created_at=now,
        )
        if not await self.passkeys.add(passkey):
            return _FULL if len(await self.passkeys.of_user(session.sub)) >= MOST_PASSKEYS else _REFUSED
        added = Event("factor.added", passkey.id, details={"method": "passkey", "name": passkey.name})
        await self.trail.record(request, session.sub, added)
        logging.get().info("passkey added", sub=session.sub, passkey=passkey.id)
        return None

    async def _registered(self, session: Session, text: str, now: datetime) -> Registered:
        answer = read_registration(text)
        reason = await self.challenges.take(answer.challenge, now, "add", session.sid)
        if reason is not None:
            raise CeremonyRefused(reason)
        return verify_registration(answer, self.party, answer.challenge)

    async def _rename(self, session: Session, sent: Form) -> str | None:
        found = await self.passkeys.rename(session.sub, sent.get("id") or "", passkey_name(sent.get("name")))
        return None if found else _GONE

    async def _remove(self, request: Request, session: Session, sent: Form) -> str | None:
        passkey_id = sent.get("id") or ""
        name = await self.passkeys.remove(session.sub, passkey_id)
        if name is None:
            return _GONE
        removed = Event("factor.removed", passkey_id, details={"method": "passkey", "name": name})
        await self.trail.record(request, session.sub, removed)
        logging.get().info("passkey removed", sub=session.sub, passkey=passkey_id)
        return None

    async def _page(
        self, request: Request, session: Session, problem: str | None = None, status: int = 200
    ) -> Response:
        passkeys = await self.passkeys.of_user(session.sub)
        handle = await self.passkeys.handle(session.sub, secrets.token_bytes(HANDLE_BYTES))
        user = PasskeyUser(handle, session.username, session.name or session.username)
        challenge = self.challenges.issue(clock.now(), _LIFETIME, "add", session.sid)
        return self.layout.page(
            request,
            "account_passkeys.html",
            session,
            "security",
            status=status,
            problem=problem,
            passkeys=passkeys,
            can_add=len(passkeys) < MOST_PASSKEYS,
            longest_name=MOST_NAME,
            options=creation_options(self.party, challenge, user, passkeys),
        )

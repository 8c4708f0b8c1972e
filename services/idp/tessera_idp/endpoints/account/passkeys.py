"""`/account/security/passkeys`: a user's passkeys: add, name, remove (WebAuthn Level 3 §7.1)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.account.factors import Factors
from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import STALE, AccountLayout
from tessera_idp.endpoints.page_declarations import CSRF, DONE, NOT_ACCEPTED, PAGE, TO_LOGIN
from tessera_idp.login_methods.method import Verifiers
from tessera_idp.login_methods.passkey import METHOD
from tessera_idp.protocol.models import Session
from tessera_idp.protocol.passkey import HANDLE_BYTES, MOST_NAME, MOST_PASSKEYS, Passkey, passkey_name
from tessera_idp.protocol.passkey_ceremony import (
    CeremonyRefused,
    PasskeyUser,
    Registered,
    creation_options,
    read_registration,
    verify_registration,
)
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
_NOTICES = {
    "added": N_("The passkey is added."),
    "renamed": N_("The passkey has another name."),
    "removed": N_("The passkey is removed."),
}
_DONE = Reply(303, "To the page again, or to the login page", headers=("Location",))


@dataclass(frozen=True, slots=True)
class PasskeysEndpoint:
    """The page of passkeys and its forms."""

    guard: AccountGuard
    layout: AccountLayout
    verifiers: Verifiers
    factors: Factors

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
                return await self._add(request, session, sent)
            case "rename":
                return await self._rename(request, session, sent)
            case "remove":
                return await self._remove(request, session, sent)
            case _:
                raise OAuthError(
                    "invalid_request", "The form does not say what to do.", expected="add, rename or remove"
                )

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
                    Operation("GET", "Account: passkeys", show, (DONE,), (PAGE, TO_LOGIN)),
                    Operation(
                        "POST",
                        "Add, name or remove a passkey",
                        submit,
                        sent,
                        (PAGE, _DONE, NOT_ACCEPTED),
                        section=section,
                    ),
                ),
            )
        ]

    async def _add(self, request: Request, session: Session, sent: Form) -> Response:
        now, passkeys = clock.now(), self.verifiers.passkeys
        try:
            registered = await self._registered(session, sent.get("credential") or "", now)
        except CeremonyRefused as refused:
            logging.get().info("passkey refused", sub=session.sub, reason=str(refused))
            refusal = Event("factor.added", session.sub, "refused", {"method": METHOD, "reason": str(refused)})
            await self.factors.trail.record(request, session.sub, refusal)
            return await self._page(request, session, _REFUSED, 403)
        passkey = _passkey_of(registered, session.sub, passkey_name(sent.get("name")), now)
        if not await passkeys.add(passkey):
            has_enough = len(await passkeys.of_user(session.sub)) >= MOST_PASSKEYS
            return await self._page(request, session, _FULL if has_enough else _REFUSED, 403)
        codes = await self.factors.added(request, session.sub, METHOD, passkey.name)
        if codes:
            return self.layout.page(request, "account_codes.html", session, "security", codes=codes)
        return _again("added")

    async def _registered(self, session: Session, text: str, now: datetime) -> Registered:
        answer = read_registration(text)
        reason = await self.verifiers.challenges.take(answer.challenge, now, "add", session.sid)
        if reason is not None:
            raise CeremonyRefused(reason)
        return verify_registration(answer, self.verifiers.relying_party, answer.challenge)

    async def _rename(self, request: Request, session: Session, sent: Form) -> Response:
        name = passkey_name(sent.get("name"))
        if not await self.verifiers.passkeys.rename(session.sub, sent.get("id") or "", name):
            return await self._page(request, session, _GONE, 403)
        return _again("renamed")

    async def _remove(self, request: Request, session: Session, sent: Form) -> Response:
        name = await self.verifiers.passkeys.remove(session.sub, sent.get("id") or "")
        if name is None:
            return await self._page(request, session, _GONE, 403)
        await self.factors.removed(request, session.sub, METHOD, name)
        return _again("removed")

    async def _page(
        self, request: Request, session: Session, problem: str | None = None, status: int = 200
    ) -> Response:
        passkeys = await self.verifiers.passkeys.of_user(session.sub)
        handle = await self.verifiers.passkeys.handle(session.sub, secrets.token_bytes(HANDLE_BYTES))
        user = PasskeyUser(handle, session.username, session.name or session.username)
        challenge = self.verifiers.challenges.issue(clock.now(), _LIFETIME, "add", session.sid)
        return self.layout.page(
            request,
            "account_passkeys.html",
            session,
            "security",
            status=status,
            problem=problem,
            notice=_NOTICES.get(request.query_params.get("done", "")) if problem is None else None,
            passkeys=passkeys,
            can_add=len(passkeys) < MOST_PASSKEYS,
            longest_name=MOST_NAME,
            options=creation_options(self.verifiers.relying_party, challenge, user, passkeys),
        )


def _passkey_of(registered: Registered, sub: str, name: str, now: datetime) -> Passkey:
    return Passkey(
        credential_id=registered.credential_id,
        id=secrets.token_urlsafe(12),
        sub=sub,
        name=name,
        public_key=registered.public_key,
        sign_count=registered.sign_count,
        transports=registered.transports,
        backup_eligible=registered.backup_eligible,
        backed_up=registered.backed_up,
        created_at=now,
    )


def _again(done: str) -> Response:
    """The page by a request of its own, where something changed."""
    return RedirectResponse(f"{PATH}?done={done}", 303, NO_STORE)

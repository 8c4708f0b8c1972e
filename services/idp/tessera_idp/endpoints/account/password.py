"""`/account/security/password`: change of the password, by whoever knows the one before, or has just logged in."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import STALE, AccountLayout
from tessera_idp.endpoints.account_changes import WEAK, AccountChanges
from tessera_idp.endpoints.login import BUSY_NOW, TOO_MANY_TRIES
from tessera_idp.endpoints.page_declarations import BUSY, CSRF, DONE, NOT_ACCEPTED, PAGE, TO_LOGIN, TOO_MANY
from tessera_idp.protection import Protection
from tessera_idp.protocol.models import Session, User
from tessera_idp.store import account_changes
from tessera_shared import clock, logging
from tessera_shared.argon2id import Busy
from tessera_shared.audit import Event
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.form import Form
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.translatable import N_

PATH = "/account/security/password"
_NOTICES = {"changed": N_("Your password is changed.")}
_WRONG = N_("That is not your password. Check it and try again.")


@dataclass(frozen=True, slots=True)
class PasswordEndpoint:
    """The form of the password."""

    guard: AccountGuard
    layout: AccountLayout
    changes: AccountChanges
    protection: Protection

    async def show(self, request: Request) -> Response:
        """GET: the form; without a password so far, only after a fresh login."""
        session = await self._enter(request)
        if isinstance(session, Response):
            return session
        return await self._page(request, session)

    async def submit(self, request: Request) -> Response:
        """POST: change it."""
        # 1. by whom, from the page that this user was shown in this browser
        session = await self._enter(request)
        if isinstance(session, Response):
            return session
        sent = await form.body(request)
        if not self.layout.is_own(request, sent, session):
            return await self._page(request, session, STALE, 403)
        user = await self.changes.users.find(session.sub)
        if user is None:
            return await self._page(request, session, STALE, 403)
        try:
            # 2. who knows the password before
            refused = await self._refuse_wrong(request, session, sent)
            if refused is not None:
                return refused
            # 3. a password that may be chosen
            chosen, email = sent.get("password") or "", user.claims.get("email")
            weakness = await self.changes.policy.weakness(chosen, user.username, email, user.claims.get("name"))
            if weakness is not None:
                return await self._page(request, session, WEAK[weakness], 400)
            hashed = await self.changes.passwords.hash(chosen)
        except Busy:
            response = await self._page(request, session, BUSY_NOW, 503)
            response.headers["retry-after"] = "1"
            return response
        # 4. stored
        await self._store(request, user, hashed, session.sid if sent.get("end_others") else None)
        return RedirectResponse(f"{PATH}?done=changed", 303, NO_STORE)

    async def _enter(self, request: Request) -> Session | Response:
        session = await self.guard.enter(request)
        if isinstance(session, Response) or await self._has_password(session):
            return session
        return await self.guard.enter(request, fresh=True)

    async def _has_password(self, session: Session) -> bool:
        return await account_changes.password_hash(self.changes.database, session.sub) is not None

    async def _refuse_wrong(self, request: Request, session: Session, sent: Form) -> Response | None:
        """The page again, where the password before is not what was entered; as often as a login may be tried."""
        hashed = await account_changes.password_hash(self.changes.database, session.sub)
        if hashed is None:
            return None
        device = await self.changes.devices.known(request, session.username, clock.now())
        attempt = await self.protection.login(session.username, request.state.client_address, device)
        if attempt.wait is not None:
            response = await self._page(request, session, TOO_MANY_TRIES, 429)
            response.headers.update(attempt.retry_after)
            return response
        if not await self.changes.passwords.verify(hashed, sent.get("current") or ""):
            logging.get().info("password not changed", reason="wrong password", sub=session.sub)
            refused = Event("password.changed", session.sub, "refused")
            await self.changes.sessions.trail.record(request, session.sub, refused)
            return await self._page(request, session, _WRONG, 403)
        await self.protection.succeeded(attempt)
        return None

    async def _store(self, request: Request, user: User, hashed: str, kept: str | None) -> None:
        """Store it and, if one session is to be kept, end all others."""
        grants: tuple[str, ...] = ()
        async with self.changes.database.transaction() as tx:
            await self.changes.set_password(tx, request, user.sub, hashed)
            if kept is not None:
                grants = await self.changes.end_sessions(tx, user.sub, kept)
        await self.changes.announce(grants)
        await self.changes.tell_of_password(request, user.sub, strangers=kept is not None)

    async def _page(
        self, request: Request, session: Session, problem: str | None = None, status: int = 200
    ) -> Response:
        return self.layout.page(
            request,
            "account_password.html",
            session,
            "security",
            status=status,
            problem=problem,
            notice=_NOTICES.get(request.query_params.get("done", "")),
            has_password=await self._has_password(session),
            minimum_length=self.changes.policy.minimum_length,
        )

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show, submit = as_page(self.layout.pages, self.show), as_page(self.layout.pages, self.submit)
        typed = (
            CSRF,
            Parameter("current", "The password before"),
            Parameter("password", "The new password", required=True),
            Parameter("end_others", "Whether all other sessions end", values=("yes",)),
        )
        answers = (TO_LOGIN, NOT_ACCEPTED, TOO_MANY, BUSY)
        return [
            Endpoint(
                PATH,
                (
                    Operation("GET", "Account: password", show, (DONE,), (PAGE, TO_LOGIN)),
                    Operation("POST", "Change the password", submit, typed, answers),
                ),
            )
        ]

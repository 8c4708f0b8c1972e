"""`/account/security/passkeys`: a user's passkeys: add, name, remove (WebAuthn Level 3 §7.1)."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.account.factors import Factors
from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import STALE, AccountLayout
from tessera_idp.endpoints.page_declarations import CSRF, DONE, NOT_ACCEPTED, PAGE, TO_LOGIN
from tessera_idp.login_methods.passkey import METHOD
from tessera_idp.login_methods.passkey_set_up import Owner, PasskeySetUp
from tessera_idp.protocol.models import Session
from tessera_idp.protocol.passkey import MOST_NAME, MOST_PASSKEYS, passkey_name
from tessera_idp.protocol.passkey_ceremony import CeremonyRefused
from tessera_idp.store.passkeys import PasskeyStore
from tessera_shared import clock
from tessera_shared.errors import OAuthError
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.form import Form
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply
from tessera_shared.translatable import N_

PATH = "/account/security/passkeys"
REFUSED = N_("That passkey could not be added. Try again, or use another device.")
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
    set_up: PasskeySetUp
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
        answer, name = sent.get("credential") or "", sent.get("name")
        try:
            passkey = await self.set_up.add(answer, session.sub, name, clock.now(), *_bound(session))
        except CeremonyRefused as refused:
            await self.factors.refused(request, session.sub, METHOD, str(refused))
            return await self._page(request, session, REFUSED, 403)
        if passkey is None:
            problem = _FULL if await self.set_up.is_full(session.sub) else REFUSED
            return await self._page(request, session, problem, 403)
        codes = await self.factors.added(request, session.sub, METHOD, passkey.name)
        if codes:
            return self.layout.page(request, "account_codes.html", session, "security", codes=codes)
        return _again("added")

    async def _rename(self, request: Request, session: Session, sent: Form) -> Response:
        name = passkey_name(sent.get("name"))
        if not await self._passkeys.rename(session.sub, sent.get("id") or "", name):
            return await self._page(request, session, _GONE, 403)
        return _again("renamed")

    async def _remove(self, request: Request, session: Session, sent: Form) -> Response:
        name = await self._passkeys.remove(session.sub, sent.get("id") or "")
        if name is None:
            return await self._page(request, session, _GONE, 403)
        await self.factors.removed(request, session.sub, METHOD, name)
        return _again("removed")

    async def _page(
        self, request: Request, session: Session, problem: str | None = None, status: int = 200
    ) -> Response:
        passkeys = await self._passkeys.of_user(session.sub)
        owner = Owner(session.sub, session.username, session.name)
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
            options=await self.set_up.offer(owner, clock.now(), *_bound(session)),
        )

    @property
    def _passkeys(self) -> PasskeyStore:
        return self.set_up.verifiers.passkeys


def _bound(session: Session) -> tuple[str, str]:
    """Where a challenge may be answered: in the session whose page asked for it."""
    return "add", session.sid


def _again(done: str) -> Response:
    """The page by a request of its own, where something changed."""
    return RedirectResponse(f"{PATH}?done={done}", 303, NO_STORE)

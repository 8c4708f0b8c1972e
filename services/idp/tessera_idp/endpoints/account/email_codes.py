"""`/account/security/email-codes`: whether the user is asked for a code by e-mail after the password."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.account.factors import Factors
from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import STALE, AccountLayout
from tessera_idp.endpoints.page_declarations import CSRF, NOT_ACCEPTED, PAGE, TO_LOGIN
from tessera_idp.login_methods.email_code import METHOD, is_enrolled, verified_address
from tessera_idp.login_methods.method import Verifiers
from tessera_idp.protocol.models import Session
from tessera_shared import clock
from tessera_shared.errors import OAuthError
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply
from tessera_shared.translatable import N_

PATH = "/account/security/email-codes"
NAME = N_("Codes by e-mail")
_NO_ADDRESS = N_("Confirm your e-mail address first.")
_SWITCHED_OFF = N_("Codes by e-mail are switched off here.")
_DONE = Reply(303, "To the page again, or to the login page", headers=("Location",))


@dataclass(frozen=True, slots=True)
class EmailCodesEndpoint:
    """The page and its button."""

    guard: AccountGuard
    layout: AccountLayout
    verifiers: Verifiers
    factors: Factors

    async def show(self, request: Request) -> Response:
        """GET."""
        session = await self.guard.enter(request, fresh=True)
        return session if isinstance(session, Response) else await self._page(request, session)

    async def switch(self, request: Request) -> Response:
        """POST: on or off."""
        # 1. by whom, lately
        session = await self.guard.enter(request, fresh=True)
        if isinstance(session, Response):
            return session
        # 2. from the page that this user was shown in this browser
        sent = await form.body(request)
        if not self.layout.is_own(request, sent, session):
            return await self._page(request, session, STALE, 403)
        # 3. which way
        match sent.get("action"):
            case "on":
                return await self._turn_on(request, session)
            case "off":
                if await self.verifiers.email_codes.store.turn_off(session.sub):
                    await self.factors.removed(request, session.sub, METHOD, NAME)
                return RedirectResponse(PATH, 303, NO_STORE)
            case _:
                raise OAuthError("invalid_request", "The form does not say what to do.", expected="on or off")

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        pages = self.layout.pages
        sent = (CSRF, Parameter("action", "The button", required=True, values=("on", "off")))
        return [
            Endpoint(
                PATH,
                (
                    Operation("GET", "Account: codes by e-mail", as_page(pages, self.show), replies=(PAGE, TO_LOGIN)),
                    Operation(
                        "POST", "Switch them on or off", as_page(pages, self.switch), sent, (PAGE, _DONE, NOT_ACCEPTED)
                    ),
                ),
            )
        ]

    async def _turn_on(self, request: Request, session: Session) -> Response:
        if not self.verifiers.email_codes.enabled:
            return await self._page(request, session, _SWITCHED_OFF, 403)
        if await self._address(session) is None:
            return await self._page(request, session, _NO_ADDRESS, 403)
        if await self.verifiers.email_codes.store.turn_on(session.sub, clock.now()):
            codes = await self.factors.added(request, session.sub, METHOD, NAME)
            if codes:
                return self.layout.page(request, "account_codes.html", session, "security", codes=codes)
        return RedirectResponse(PATH, 303, NO_STORE)

    async def _address(self, session: Session) -> str | None:
        user = await self.verifiers.users.find(session.sub)
        return None if user is None else verified_address(user)

    async def _page(
        self, request: Request, session: Session, problem: str | None = None, status: int = 200
    ) -> Response:
        return self.layout.page(
            request,
            "account_email_codes.html",
            session,
            "security",
            status=status,
            problem=problem,
            enabled=self.verifiers.email_codes.enabled,
            is_on=await self.verifiers.email_codes.store.is_on(session.sub),
            is_used=await is_enrolled(session.sub, self.verifiers),
            address=await self._address(session),
        )

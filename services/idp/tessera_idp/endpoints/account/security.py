"""`/account/security`: the ways to log in that the user has, and where to change each."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import AccountLayout
from tessera_idp.endpoints.page_declarations import PAGE, TO_LOGIN
from tessera_idp.login_methods import LOGIN_METHODS, enrolled_methods
from tessera_idp.login_methods.method import Verifiers
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation
from tessera_shared.translatable import N_


@dataclass(frozen=True, slots=True)
class Way:
    """How a way to log in is shown.

    Attributes:
        path: Where it is set up, changed and removed.
        title: Its name.
        detail: What it is good for.

    """

    path: str
    title: str
    detail: str


WAYS: dict[str, Way] = {
    "password": Way(
        "/account/security/password",
        N_("Password"),
        N_("Long and used nowhere else: a few words are better than signs."),
    ),
    "passkey": Way(
        "/account/security/passkeys",
        N_("Passkeys"),
        N_("The safest way: your phone, computer or security key, which no false page can deceive."),
    ),
    "totp": Way(
        "/account/security/totp",
        N_("Authenticator app"),
        N_("Six digits from an app on your phone, as a second step after the password."),
    ),
    "recovery_code": Way(
        "/account/security/recovery-codes",
        N_("Recovery codes"),
        N_("Each works once, for the day on which your other second steps are lost."),
    ),
    "email_code": Way(
        "/account/security/email-codes",
        N_("Codes by e-mail"),
        N_("As a second step, to your confirmed e-mail address."),
    ),
}
"""By the names of the login methods; a method that is not built in is not shown."""


@dataclass(frozen=True, slots=True)
class SecurityEndpoint:
    """The list of ways to log in."""

    guard: AccountGuard
    layout: AccountLayout
    verifiers: Verifiers

    async def show(self, request: Request) -> Response:
        """GET."""
        session = await self.guard.enter(request)
        if isinstance(session, Response):
            return session
        enrolled = await enrolled_methods(session.sub, self.verifiers)
        ways = [(name, way, name in enrolled) for name, way in WAYS.items() if name in LOGIN_METHODS]
        return self.layout.page(request, "account_security.html", session, "security", ways=ways)

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show = as_page(self.layout.pages, self.show)
        return [Endpoint("/account/security", (Operation("GET", "Account: security", show, replies=(PAGE, TO_LOGIN)),))]

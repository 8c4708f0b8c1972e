"""`/account`: where users find everything about their account."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import AccountLayout
from tessera_idp.endpoints.page_declarations import PAGE, TO_LOGIN
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation


@dataclass(frozen=True, slots=True)
class OverviewEndpoint:
    """The account's first page."""

    guard: AccountGuard
    layout: AccountLayout

    async def show(self, request: Request) -> Response:
        """GET."""
        session = await self.guard.enter(request)
        if isinstance(session, Response):
            return session
        return self.layout.page(request, "account_overview.html", session, "overview")

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show = as_page(self.layout.pages, self.show)
        return [Endpoint("/account", (Operation("GET", "Account: overview", show, replies=(PAGE, TO_LOGIN)),))]

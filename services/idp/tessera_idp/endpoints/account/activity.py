"""`/account/activity`: what happened to the account lately."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import AccountLayout
from tessera_idp.endpoints.page_declarations import PAGE, TO_LOGIN
from tessera_idp.protocol.device import device_of
from tessera_idp.store.account import AccountStore
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation

_MOST = 50


@dataclass(frozen=True, slots=True)
class ActivityEndpoint:
    """The list of events."""

    guard: AccountGuard
    layout: AccountLayout
    store: AccountStore

    async def show(self, request: Request) -> Response:
        """GET."""
        session = await self.guard.enter(request)
        if isinstance(session, Response):
            return session
        events = await self.store.events(session.sub, _MOST)
        shown = [(event, device_of(event.user_agent) if event.user_agent else None) for event in events]
        return self.layout.page(request, "account_activity.html", session, "activity", events=shown)

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show = as_page(self.layout.pages, self.show)
        return [Endpoint("/account/activity", (Operation("GET", "Account: activity", show, replies=(PAGE, TO_LOGIN)),))]

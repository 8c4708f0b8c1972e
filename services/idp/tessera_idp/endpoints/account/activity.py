"""`/account/activity`: what happened to the account lately."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import AccountLayout
from tessera_idp.endpoints.page_declarations import PAGE, TO_LOGIN
from tessera_idp.protocol.device import device_of
from tessera_idp.store.account import AccountStore
from tessera_shared.errors import OAuthError
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply

PATH = "/account/activity"
_BEFORE = "before"
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
        before = _time(form.query(request).get(_BEFORE))
        activity = await self.store.events(session.sub, before, _MOST)
        shown = [(event, device_of(event.user_agent) if event.user_agent else None) for event in activity.events]
        older = None if activity.older is None else f"{PATH}?{urlencode({_BEFORE: activity.older.isoformat()})}"
        return self.layout.page(
            request,
            "account_activity.html",
            session,
            "activity",
            events=shown,
            older=older,
            newest=None if before is None else PATH,
        )

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show = as_page(self.layout.pages, self.show)
        before = Parameter(_BEFORE, "Only what happened before that time (RFC 3339)", where="query")
        replies = (PAGE, TO_LOGIN, Reply(400, "That is no time", media_type="text/html"))
        return [Endpoint(PATH, (Operation("GET", "Account: activity", show, (before,), replies),))]


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise OAuthError(
            "invalid_request", "The page was asked for by a time that is none.", expected="a time"
        ) from error

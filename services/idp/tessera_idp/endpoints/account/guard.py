"""Who may see an account page: the user whose account it is, by a login that is recent enough."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.browser import Sessions
from tessera_idp.endpoints.handover import Handover
from tessera_idp.protocol.freshness import is_fresh
from tessera_idp.protocol.models import Session
from tessera_shared import clock
from tessera_shared.clock import seconds
from tessera_shared.handoff import Ask, ClientDisplay
from tessera_shared.uri import origin


@dataclass(frozen=True, slots=True)
class Service:
    """What the login page says the user goes on to: this service itself."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class AccountGuard:
    """Lets users in, and sends all others to the login page, which leads back."""

    handover: Handover
    sessions: Sessions
    service: Service
    fresh: timedelta

    async def enter(self, request: Request, *, fresh: bool = False) -> Session | Response:
        """The user's session, or the way to the login page.

        Args:
            request: Of an account page. A form that is sent without a login is lost: the page is shown again.
            fresh: The login must not be older than the setting says, as for changes of how to log in.

        Raises:
            Unavailable: The database does not answer, or there is no key to seal the ask with.

        """
        now = clock.now()
        ask = Ask(
            step=secrets.token_urlsafe(16),
            want="login",
            client=ClientDisplay("", self.service.name),
            scope=(),
            redirect_origin=origin(self.service.url),
            authenticated_after=seconds(now - self.fresh) if fresh else None,
            return_to=_own_path(request),
        )
        session = await self.sessions.current(request, now)
        return session if session is not None and is_fresh(session, ask) else self.handover.ask(ask, now)


def _own_path(request: Request) -> str:
    query = request.url.query if request.method == "GET" else ""
    return f"{request.url.path}?{query}" if query else request.url.path

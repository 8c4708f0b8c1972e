"""`/account/sessions`: where the user is logged in, and how to end it."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import STALE, AccountLayout
from tessera_idp.endpoints.browser import Sessions
from tessera_idp.endpoints.page_declarations import CSRF, DONE, NOT_ACCEPTED, PAGE, TO_LOGIN
from tessera_idp.protocol.device import device_of
from tessera_idp.protocol.models import Session
from tessera_shared import clock
from tessera_shared.errors import OAuthError
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.translatable import N_

_PATH = "/account/sessions"
_NOTICES = {
    "ended": N_("The session is ended."),
    "others": N_("All other sessions are ended."),
}


@dataclass(frozen=True, slots=True)
class SessionsEndpoint:
    """The list of sessions and its buttons."""

    guard: AccountGuard
    layout: AccountLayout
    sessions: Sessions

    async def show(self, request: Request) -> Response:
        """GET: the list."""
        session = await self.guard.enter(request)
        if isinstance(session, Response):
            return session
        return await self._page(request, session)

    async def submit(self, request: Request) -> Response:
        """POST: end one, or all but this one."""
        # 1. by whom
        session = await self.guard.enter(request)
        if isinstance(session, Response):
            return session
        # 2. from the page that this user was shown in this browser
        sent = await form.body(request)
        if not self.layout.is_own(request, sent, session):
            return await self._page(request, session, STALE, 403)
        # 3. which
        now = clock.now()
        match sent.get("action"):
            case "end":
                await self._end(request, session, (sent.get("sid") or "",), now)
                done = "ended"
            case "end_others":
                listed = await self.sessions.store.list_of(session.sub, now)
                await self._end(request, session, tuple(one.sid for one in listed if one.sid != session.sid), now)
                done = "others"
            case _:
                raise OAuthError("invalid_request", "The form does not say what to end.", expected="end or end_others")
        return RedirectResponse(f"{_PATH}?done={done}", 303, NO_STORE)

    async def _end(self, request: Request, session: Session, sids: tuple[str, ...], now: datetime) -> None:
        """End those that are the user's own and still live."""
        for sid in sids:
            found = await self.sessions.named(sid, session.sub, now)
            if found is not None:
                await self.sessions.end(request, found, now)

    async def _page(
        self, request: Request, session: Session, problem: str | None = None, status: int = 200
    ) -> Response:
        listed = await self.sessions.store.list_of(session.sub, clock.now())
        return self.layout.page(
            request,
            "account_sessions.html",
            session,
            "sessions",
            status=status,
            problem=problem,
            revokes=self.sessions.store.revokes,
            notice=_NOTICES.get(request.query_params.get("done", "")),
            sessions=[(one, device_of(one.user_agent), one.sid == session.sid) for one in listed],
        )

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show, submit = as_page(self.layout.pages, self.show), as_page(self.layout.pages, self.submit)
        sent = (
            CSRF,
            Parameter("action", "The button", required=True, values=("end", "end_others")),
            Parameter("sid", "Which session to end"),
        )
        return [
            Endpoint(
                _PATH,
                (
                    Operation("GET", "Account: sessions", show, (DONE,), (PAGE, TO_LOGIN)),
                    Operation("POST", "End sessions", submit, sent, (TO_LOGIN, NOT_ACCEPTED)),
                ),
            )
        ]

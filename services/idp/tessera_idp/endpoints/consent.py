"""`/oidc/v1/consent`: does the user allow the client what it asks for?"""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.browser import Forms, Sessions
from tessera_idp.endpoints.handover import Handover, Received
from tessera_idp.endpoints.page_declarations import ANSWER, BAD_ASK, CSRF, NOT_ACCEPTED, PAGE, ask_parameter
from tessera_idp.protocol.models import Session
from tessera_idp.protocol.scope_description import describe
from tessera_shared import clock, logging
from tessera_shared.audit import Event
from tessera_shared.errors import OAuthError
from tessera_shared.handoff import Answer, Ask
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.http.pages import Pages
from tessera_shared.translatable import N_

_STALE = N_("This page was open for too long, or your browser does not keep cookies. Decide again.")


@dataclass(frozen=True, slots=True)
class ConsentEndpoint:
    """The consent page and its form."""

    handover: Handover
    forms: Forms
    sessions: Sessions
    pages: Pages

    async def show(self, request: Request) -> Response:
        """GET: the page, for the user who was asked for and no other."""
        # 1. what authz wants
        now = clock.now()
        received = self.handover.receive(form.query(request), "consent", now)
        # 2. the session that consent is asked in
        session = await self._session(request, received.ask, now)
        if session is None:
            return self.handover.answer(Answer(received.ask.step, "session_ended"), now)
        # 3. prompt=none: no page may be shown
        if received.ask.silent:
            return self.handover.answer(Answer(received.ask.step, "no_session"), now)
        # 4. the page
        return self._page(request, received, session)

    async def submit(self, request: Request) -> Response:
        """POST: the user's decision."""
        # 1. what was sent from where, and for which ask
        self.forms.refuse_foreign(request)
        now = clock.now()
        sent = await form.body(request)
        received = self.handover.receive(sent, "consent", now)
        ask = received.ask
        # 2. by the user who was asked
        session = await self._session(request, ask, now)
        if session is None:
            return self.handover.answer(Answer(ask.step, "session_ended"), now)
        # 3. from the page that this user was shown in this browser
        if not self.forms.is_own(request, sent, "consent", received.text, session.sid):
            return self._page(request, received, session, _STALE, 403)
        # 4. the decision
        details = {"name": ask.client.name, "scope": ask.scope}
        match sent.get("action"):
            case "allow":
                given = Event("consent.given", ask.client.client_id, details=details)
                await self.sessions.trail.record(request, session.sub, given)
                logging.get().info("consent given", sub=session.sub, client_id=ask.client.client_id, scope=ask.scope)
                return self.handover.answer(Answer(ask.step, "consented", scope=ask.scope), now)
            case "deny":
                denied = Event("consent.denied", ask.client.client_id, "refused", details)
                await self.sessions.trail.record(request, session.sub, denied)
                logging.get().info("consent denied", sub=session.sub, client_id=ask.client.client_id)
                return self.handover.answer(Answer(ask.step, "denied"), now)
            case _:
                raise OAuthError("invalid_request", "The form does not say what was decided.", expected="allow or deny")

    def endpoints(self) -> list[Endpoint]:
        """The consent page's declaration."""
        show, submit = as_page(self.pages, self.show), as_page(self.pages, self.submit)
        button = Parameter("action", "The button", required=True, values=("allow", "deny"))
        decided = (ask_parameter("form"), CSRF, button)
        return [
            Endpoint(
                "/oidc/v1/consent",
                (
                    Operation("GET", "Consent page", show, (ask_parameter("query"),), (PAGE, ANSWER, BAD_ASK)),
                    Operation("POST", "Allow or deny", submit, decided, (ANSWER, BAD_ASK, NOT_ACCEPTED)),
                ),
            )
        ]

    async def _session(self, request: Request, ask: Ask, now: datetime) -> Session | None:
        session = await self.sessions.current(request, now)
        is_meant = session is not None and (session.sub, session.sid) == (ask.sub, ask.sid)
        return session if is_meant else None

    def _page(
        self, request: Request, received: Received, session: Session, problem: str | None = None, status: int = 200
    ) -> Response:
        browser_id = self.forms.browser_id(request)
        response = self.handover.page(
            self.pages,
            request,
            "consent.html",
            received,
            status=status,
            session=session,
            scopes=describe(received.ask.scope, received.ask.described),
            destination=received.ask.redirect_origin,
            csrf=self.forms.token(browser_id, "consent", received.text, session.sid),
            problem=problem,
        )
        return self.forms.remember(response, request, browser_id)

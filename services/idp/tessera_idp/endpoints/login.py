"""`/oidc/v1/login`: who is using this browser?"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.browser import Forms, Sessions
from tessera_idp.endpoints.devices import Devices
from tessera_idp.endpoints.handover import Handover, Received
from tessera_idp.endpoints.page_declarations import (
    ANSWER,
    BAD_ASK,
    BUSY,
    CSRF,
    NOT_ACCEPTED,
    PAGE,
    TOO_MANY,
    ask_parameter,
)
from tessera_idp.login_methods import LOGIN_METHODS
from tessera_idp.login_methods.method import Verifiers
from tessera_idp.login_methods.password import METHOD as PASSWORD
from tessera_idp.protection import Protection
from tessera_idp.protocol.freshness import is_fresh
from tessera_idp.protocol.models import Session
from tessera_idp.protocol.page_policy import displayed, form_destinations, logo_sources
from tessera_shared import clock, logging
from tessera_shared.argon2id import Busy
from tessera_shared.errors import OAuthError
from tessera_shared.handoff import Answer, Ask
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.http.pages import Pages

_WRONG = "That username and password do not belong together. Check both and try again."
_STALE = "This page was open for too long, or your browser does not keep cookies. Try again."
_BUSY = "Many people are logging in right now. Try again in a moment."
_TOO_MANY = "There were too many tries. Wait a few minutes, then try again."


@dataclass(frozen=True, slots=True)
class LoginEndpoint:
    """The login page and its form."""

    handover: Handover
    forms: Forms
    sessions: Sessions
    verifiers: Verifiers
    protection: Protection
    devices: Devices
    pages: Pages

    async def show(self, request: Request) -> Response:
        """GET: answer at once from a session that suffices, else show the page."""
        # 1. what authz wants
        now = clock.now()
        received = self.handover.receive(form.query(request), "login", now)
        ask = received.ask
        # 2. a login that is fresh enough needs no page
        session = await self.sessions.current(request, now)
        if session is not None and is_fresh(session, ask):
            return self.handover.answer(Answer(ask.step, "authenticated", session.authentication()), now)
        # 3. prompt=none: no page may be shown
        if ask.silent:
            return self.handover.answer(Answer(ask.step, "no_session"), now)
        # 4. the page
        return self._page(request, received, ask.login_hint or _username(session, ask))

    async def submit(self, request: Request) -> Response:
        """POST: check what was typed."""
        # 1. what was sent from where, and for which ask
        self.forms.refuse_foreign(request)
        now = clock.now()
        sent = await form.body(request)
        received = self.handover.receive(sent, "login", now)
        # 2. from the page that this browser was shown
        if not self.forms.is_own(request, sent, "login", received.text):
            return self._page(request, received, sent.get("username"), _STALE, 403)
        # 3. no
        if sent.get("action") == "deny":
            return self.handover.answer(Answer(received.ask.step, "denied"), now)
        # 4. not too often
        method = LOGIN_METHODS.get(sent.get("method") or PASSWORD)
        if method is None:
            raise OAuthError("invalid_request", "There is no such way to log in.", expected=", ".join(LOGIN_METHODS))
        username, address = sent.get("username") or "", request.state.client_address
        attempt = await self.protection.login(username, address, await self.devices.known(request, username, now))
        if attempt.wait is not None:
            response = self._page(request, received, sent.get("username"), _TOO_MANY, 429)
            response.headers.update(attempt.retry_after)
            return response
        # 5. yes: who is it?
        try:
            user = await method.verify(sent, self.verifiers)
        except Busy:
            await self.protection.succeeded(attempt)
            logging.get().warning("logins are waiting: one more was sent away")
            response = self._page(request, received, sent.get("username"), _BUSY, 503)
            response.headers["retry-after"] = "1"
            return response
        if user is None:
            return self._page(request, received, sent.get("username"), _WRONG, 403)
        # 6. a session under a new cookie, and the answer
        await self.protection.succeeded(attempt)
        now = clock.now()
        authentication, cookie = await self.sessions.begin(request, user, method, now)
        response = self.handover.answer(Answer(received.ask.step, "authenticated", authentication), now)
        self.sessions.cookies.set(response, "session", cookie)
        await self.devices.remember(request, response, user.sub, now)
        return response

    def endpoints(self) -> list[Endpoint]:
        """The login page's declaration."""
        show, submit = as_page(self.pages, self.show), as_page(self.pages, self.submit)
        typed = (
            ask_parameter("form"),
            CSRF,
            Parameter("method", "How to log in", values=tuple(LOGIN_METHODS)),
            Parameter("username", "Name of the account", example="alice"),
            Parameter("password", "Password of the account"),
            Parameter("action", "The button", values=("login", "deny")),
        )
        return [
            Endpoint(
                "/oidc/v1/login",
                (
                    Operation("GET", "Login page", show, (ask_parameter("query"),), (PAGE, ANSWER, BAD_ASK)),
                    Operation(
                        "POST", "Log in, or refuse to", submit, typed, (ANSWER, BAD_ASK, NOT_ACCEPTED, TOO_MANY, BUSY)
                    ),
                ),
            )
        ]

    def _page(
        self, request: Request, received: Received, username: str | None, problem: str | None = None, status: int = 200
    ) -> Response:
        client = displayed(received.ask.client)
        browser_id = self.forms.browser_id(request)
        response = self.pages.page(
            request,
            "login.html",
            status=status,
            form_action=form_destinations(self.handover.issuer, received.ask.redirect_origin),
            image_sources=logo_sources(client),
            client=client,
            ask=received.text,
            csrf=self.forms.token(browser_id, "login", received.text),
            method=PASSWORD,
            username=username or "",
            problem=problem,
        )
        return self.forms.remember(response, request, browser_id)


def _username(session: Session | None, ask: Ask) -> str | None:
    """Who is most likely to log in: whose session it is, unless somebody else is expected."""
    return session.username if session and ask.sub in (None, session.sub) else None

"""`/oidc/v1/login`: who is using this browser? The first stage of a login, which may be all of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.browser import Forms, Sessions
from tessera_idp.endpoints.handover import Handover, Received
from tessera_idp.endpoints.login_flow import ANOTHER, LoginFlow, methods_of
from tessera_idp.endpoints.page_declarations import ANSWER, BAD_ASK, CSRF, PAGE, TRIED, ask_parameter
from tessera_idp.login_methods import FIRST_METHODS, LOGIN_METHODS, LoginMethod
from tessera_idp.protocol.freshness import is_fresh
from tessera_idp.protocol.levels import Finish, SetUp, Used, may_set_up
from tessera_idp.protocol.models import Session
from tessera_shared import clock, logging
from tessera_shared.argon2id import Busy
from tessera_shared.claims import reaches
from tessera_shared.errors import OAuthError
from tessera_shared.handoff import Answer, Ask
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.form import Form
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.http.pages import Pages
from tessera_shared.translatable import N_

STALE = N_("This page was open for too long, or your browser does not keep cookies. Try again.")
BUSY_NOW = N_("Many people are logging in right now. Try again in a moment.")
TOO_MANY_TRIES = N_("There were too many tries. Wait a few minutes, then try again.")
_THIS = "this"


@dataclass(frozen=True, slots=True)
class LoginEndpoint:
    """The login page and its form."""

    handover: Handover
    forms: Forms
    sessions: Sessions
    flow: LoginFlow
    pages: Pages
    has_sign_up: bool = False

    async def show(self, request: Request) -> Response:
        """GET: answer at once from a session that suffices, else show the page."""
        # 1. what authz wants
        now = clock.now()
        asked = form.query(request)
        chosen = asked.get("account")
        received = self.handover.receive(asked, None if chosen == ANOTHER else "login", now)
        # 2. whose account: the one that is logged in, or, where the user chooses so, another
        session = None if chosen == ANOTHER else await self.sessions.current(request, now)
        if session is not None and received.ask.select_account and chosen is None and not received.ask.silent:
            return self._chooser(request, received, session)
        # 3. a login that is fresh enough and strong enough needs no page; one that can rise needs no password
        if session is not None and is_fresh(session, received.ask):
            response = await self._from_session(request, received, session, now)
            if response is not None:
                return response
        # 4. prompt=none: no page may be shown
        if received.ask.silent:
            return self.handover.finish(received, Answer(received.ask.step, "no_session"), now)
        # 5. the page
        username = None if chosen == ANOTHER else received.ask.login_hint or _username(session, received.ask)
        return await self._page(request, received, chosen_method(asked, FIRST_METHODS), username)

    async def submit(self, request: Request) -> Response:
        """POST: check what was typed."""
        # 1. what was sent from where, and for which ask
        self.forms.refuse_foreign(request)
        now = clock.now()
        sent = await form.body(request)
        received = self.handover.receive(sent, None, now)
        name, typed = chosen_method(sent, FIRST_METHODS), sent.get("username")
        # 2. from the page that this browser was shown
        if not self.forms.is_own(request, sent, "login", received.text):
            return await self._page(request, received, name, typed, STALE, 403)
        # 3. no
        if sent.get("action") == "deny":
            return self.handover.finish(received, Answer(received.ask.step, "denied"), now)
        # 4. not too often
        method, address = LOGIN_METHODS[name], request.state.client_address
        if method.is_guessable and typed:
            device = await self.flow.devices.known(request, typed, now)
            attempt = await self.flow.protection.login(typed, address, device)
        else:
            attempt = await self.flow.protection.proof(address)
        if attempt.wait is not None:
            response = await self._page(request, received, name, typed, TOO_MANY_TRIES, 429)
            response.headers.update(attempt.retry_after)
            return response
        # 5. yes: who is it?
        stage = self.flow.stage(self.forms.browser_id(request), received, None, now)
        try:
            proof = await method.verify(sent, stage, self.flow.verifiers)
        except Busy:
            await self.flow.protection.succeeded(attempt)
            logging.get().warning("logins are waiting: one more was sent away")
            response = await self._page(request, received, name, typed, BUSY_NOW, 503)
            response.headers["retry-after"] = "1"
            return response
        if proof is None:
            return await self._page(request, received, name, typed, method.wrong, 403)
        # 6. the next stage, or a session and the answer
        await self.flow.protection.succeeded(attempt)
        now = clock.now()
        return await self.flow.begin(request, received, proof.sub, (Used(name, proof.amr, now),), now)

    def endpoints(self) -> list[Endpoint]:
        """The login page's declaration."""
        show, submit = as_page(self.pages, self.show), as_page(self.pages, self.submit)
        account = Parameter("account", "The one that is logged in, or another", where="query", values=(_THIS, ANOTHER))
        asked = (ask_parameter("query"), _method_parameter("query"), account)
        typed = (
            ask_parameter("form"),
            CSRF,
            _method_parameter("form"),
            Parameter("username", "Name of the account", example="alice"),
            Parameter("password", "Password of the account"),
            Parameter("credential", "passkey: the browser's answer, an AuthenticationResponseJSON (WebAuthn §5.1.8)"),
            Parameter("action", "The button", values=("login", "deny")),
        )
        return [
            Endpoint(
                "/oidc/v1/login",
                (
                    Operation("GET", "Login page", show, asked, (PAGE, ANSWER, BAD_ASK)),
                    Operation("POST", "Log in, or refuse to", submit, typed, TRIED),
                ),
            )
        ]

    async def _from_session(
        self, request: Request, received: Received, session: Session, now: datetime
    ) -> Response | None:
        """The answer that a fresh session gives, or the stage it lacks; None where the user must begin anew."""
        ask = received.ask
        at_once = self.handover.finish(received, Answer(ask.step, "authenticated", session.authentication()), now)
        if reaches(session.acr, ask.acr) or (ask.silent and not ask.acr_essential):
            return at_once
        if ask.silent:
            return None
        used = methods_of(session)
        match await self.flow.missing(received, session.sub, used):
            case Finish():
                return at_once
            case SetUp() if not may_set_up(used, now):
                return None
            case _:
                return await self.flow.begin(request, received, session.sub, used, now)

    def _chooser(self, request: Request, received: Received, session: Session) -> Response:
        """The page of prompt=select_account (OpenID Connect Core §3.1.2.1)."""
        return self.handover.page(
            self.pages,
            request,
            "select_account.html",
            received,
            session=session,
        )

    async def _page(
        self,
        request: Request,
        received: Received,
        method: str,
        username: str | None,
        problem: str | None = None,
        status: int = 200,
    ) -> Response:
        browser_id = self.forms.browser_id(request)
        stage = self.flow.stage(browser_id, received, None, clock.now())
        beside = {name: other for name, other in others(FIRST_METHODS, method).items() if other.beside is not None}
        links = {name: other for name, other in others(FIRST_METHODS, method).items() if other.beside is None}
        response = self.handover.page(
            self.pages,
            request,
            "login.html",
            received,
            status=status,
            csrf=self.forms.token(browser_id, "login", received.text),
            method=method,
            fields=LOGIN_METHODS[method].template,
            beside=beside,
            others=links,
            username=username or "",
            has_sign_up=self.has_sign_up,
            problem=problem,
            **await self.flow.values((LOGIN_METHODS[method], *beside.values()), stage),
        )
        return self.forms.remember(response, request, browser_id)


def others(offered: tuple[str, ...], method: str) -> dict[str, LoginMethod]:
    """The methods that a page links to beside the one it shows."""
    return {name: LOGIN_METHODS[name] for name in offered if name != method}


def chosen_method(sent: Form, offered: tuple[str, ...]) -> str:
    """The method that was chosen of those that are offered, the first one if none was named.

    Raises:
        OAuthError: It is none of them.

    """
    name = sent.get("method") or offered[0]
    if name not in offered:
        raise OAuthError("invalid_request", "There is no such way to log in.", expected=", ".join(offered))
    return name


def _method_parameter(where: Literal["query", "form"]) -> Parameter:
    return Parameter("method", "How to log in", where=where, values=FIRST_METHODS)


def _username(session: Session | None, ask: Ask) -> str | None:
    """Who is most likely to log in: whose session it is, unless somebody else is expected."""
    return session.username if session and ask.sub in (None, session.sub) else None

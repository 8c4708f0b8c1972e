"""How a login goes on: what was used and what is missing decide between an answer, the next page, and a new start."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.browser import Forms, Sessions
from tessera_idp.endpoints.devices import Devices
from tessera_idp.endpoints.handover import Handover, Received
from tessera_idp.login_methods import LOGIN_METHODS, STRENGTHS, LoginMethod, enrolled_methods
from tessera_idp.login_methods.method import Stage, Verifiers
from tessera_idp.login_methods.password import AMR as PASSWORD_AMR
from tessera_idp.login_methods.password import METHOD as PASSWORD
from tessera_idp.protection import Protection
from tessera_idp.protocol.levels import AskFor, Finish, NextStage, SetUp, Unmet, Used, Wanted, next_stage
from tessera_idp.protocol.models import Session
from tessera_idp.store.logins_under_way import Key, LoginsUnderWayStore, UnderWay
from tessera_shared import logging
from tessera_shared.handoff import Answer
from tessera_shared.http.headers import NO_STORE

LOGIN = "/oidc/v1/login"
ANOTHER = "another"
"""The account that is chosen where somebody else than who is logged in wants to go on."""
SECOND_FACTOR = "/oidc/v1/login/second-factor"
PASSKEY_ADDED = "passkey"
"""What the query of the second factor's page says where a passkey was added just before."""
LIFETIME = timedelta(minutes=10)
"""How long a login may be under way after its first method."""
_COOKIE_BYTES = 32
_NAMED_BY = 12


@dataclass(frozen=True, slots=True)
class LoginFlow:
    """The stages after the first: one row for each login under way, consumed when its session begins."""

    handover: Handover
    forms: Forms
    sessions: Sessions
    store: LoginsUnderWayStore
    verifiers: Verifiers
    devices: Devices
    protection: Protection

    async def missing(self, received: Received, sub: str, used: tuple[Used, ...]) -> NextStage:
        """What is missing before this ask is answered for this user."""
        wanted = Wanted(received.ask.acr, received.ask.acr_essential)
        return next_stage(used, await enrolled_methods(sub, self.verifiers), STRENGTHS, wanted)

    async def begin(
        self, request: Request, received: Received, sub: str, used: tuple[Used, ...], now: datetime
    ) -> Response:
        """After the first method, or from a session that must rise: end the login, or begin its next stage."""
        stage = await self.missing(received, sub, used)
        if isinstance(stage, Unmet):
            return self.handover.finish(received, Answer(received.ask.step, "unmet"), now)
        if isinstance(stage, Finish):
            return await self._finish(request, received, sub, used, now)
        browser = self.forms.browser_id(request)
        cookie = secrets.token_urlsafe(_COOKIE_BYTES)
        await self.store.add(Key.of(cookie, received.text, browser), sub, used, now, now + LIFETIME)
        response = self.next_page(received, stage)
        self.sessions.cookies.set(response, _cookie_of(received), cookie, LIFETIME)
        return self.forms.remember(response, request, browser)

    async def go_on(
        self, request: Request, received: Received, found: UnderWay, used: tuple[Used, ...], now: datetime
    ) -> Response:
        """After a further method: end the login, once, or go to the next stage; another's turn begins anew."""
        stage = await self.missing(received, found.sub, used)
        if isinstance(stage, Unmet):
            return await self.give_up(request, received, Answer(received.ask.step, "unmet"), now)
        if not isinstance(stage, Finish):
            advanced = await self.store.advance(found, used, now)
            return self.next_page(received, stage) if advanced else self.restart(received)
        if not await self.store.take(found.key, now):
            logging.get().info("login refused", reason="this login was finished by another request", sub=found.sub)
            return self.restart(received)
        return await self._finish(request, received, found.sub, used, now)

    async def under_way(
        self, request: Request, received: Received, now: datetime, *, attempt: bool = False
    ) -> UnderWay | None:
        """The login that this browser has under way for this ask; an attempt to prove something is counted."""
        key = self._key(request, received)
        if key is None:
            return None
        return await (self.store.try_once(key, now) if attempt else self.store.find(key, now))

    async def give_up(self, request: Request, received: Received, answer: Answer, now: datetime) -> Response:
        """End a login without a session."""
        key = self._key(request, received)
        if key is not None:
            await self.store.take(key, now)
        response = self.handover.finish(received, answer, now)
        self.sessions.cookies.clear(response, _cookie_of(received))
        return response

    def next_page(self, received: Received, stage: AskFor | SetUp, **more: str) -> Response:
        """Send the browser to the page of the stage that is missing; `more` goes into its query."""
        match stage:
            case AskFor():
                return _redirect(SECOND_FACTOR, received, **more)
            case SetUp():
                page = LOGIN_METHODS[stage.methods[0]].set_up
                return _redirect(LOGIN if page is None else page.path, received)
            case _:
                assert_never(stage)

    def restart(self, received: Received) -> Response:
        """Send the browser to the first page of the login."""
        return RedirectResponse(login_url(received), 303, NO_STORE)

    def stage(self, browser_id: str, received: Received, sub: str | None, now: datetime) -> Stage:
        """What a method is told of where it is used; the browser is known by its cookie for forms."""
        bound = f"{browser_id}.{received.text}".encode()
        return Stage(sub, hashlib.sha256(bound).digest(), now)

    async def values(self, methods: Iterable[LoginMethod], stage: Stage) -> Mapping[str, object]:
        """What the templates of these methods show."""
        prepared = [await each.prepare(stage, self.verifiers) for each in methods if each.prepare is not None]
        return {name: value for values in prepared for name, value in values.items()}

    def form_token_parts(self, request: Request, received: Received) -> tuple[str, str]:
        """What the token of a later stage's form is about, beside the form's name."""
        return received.text, self.sessions.cookies.read(request, _cookie_of(received)) or ""

    async def _finish(
        self, request: Request, received: Received, sub: str, used: tuple[Used, ...], now: datetime
    ) -> Response:
        """A session under a new cookie, and the answer."""
        authentication, cookie = await self.sessions.begin(request, sub, used, now)
        answer = Answer(received.ask.step, "authenticated", authentication)
        response = self.handover.finish(received, answer, now)
        self.sessions.cookies.set(response, "session", cookie)
        if self.sessions.cookies.read(request, _cookie_of(received)) is not None:
            self.sessions.cookies.clear(response, _cookie_of(received))
        await self.devices.remember(request, response, sub, now)
        return response

    def _key(self, request: Request, received: Received) -> Key | None:
        cookies = self.sessions.cookies
        cookie, browser = cookies.read(request, _cookie_of(received)), cookies.read(request, "form")
        return None if cookie is None or browser is None else Key.of(cookie, received.text, browser)


def login_url(received: Received) -> str:
    """The first page of the login; who was asked for consent comes there to use another account."""
    asked = {"ask": received.text} | ({"account": ANOTHER} if received.ask.want == "consent" else {})
    return f"{LOGIN}?{urlencode(asked)}"


def methods_of(session: Session) -> tuple[Used, ...]:
    """The methods of a session; one from before methods were stored began with a password."""
    return session.used or (Used(PASSWORD, PASSWORD_AMR, session.auth_time),)


def _cookie_of(received: Received) -> str:
    """Each ask has a cookie of its own, so that two tabs of one browser do not disturb each other."""
    return f"login_{hashlib.sha256(received.text.encode()).hexdigest()[:_NAMED_BY]}"


def _redirect(path: str, received: Received, **more: str) -> Response:
    # RFC 9700 §4.12: 303, so that no browser sends the form's password on
    return RedirectResponse(f"{path}?{urlencode({'ask': received.text, **more})}", 303, NO_STORE)

"""`/oidc/v1/login/set-up/totp`: a login that demands more than the user has sets up an authenticator app."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account.factors import Codes, Factors
from tessera_idp.endpoints.account.totp import NOT_STORED, WRONG
from tessera_idp.endpoints.browser import Forms
from tessera_idp.endpoints.handover import Handover, Received
from tessera_idp.endpoints.login import STALE, TOO_MANY_TRIES
from tessera_idp.endpoints.login_flow import LoginFlow
from tessera_idp.endpoints.page_declarations import ANSWER, BAD_ASK, CSRF, NOT_ACCEPTED, PAGE, TOO_MANY, ask_parameter
from tessera_idp.login_methods.totp import AMR, METHOD, SET_UP
from tessera_idp.login_methods.totp_set_up import Offer, TotpSetUp, name_of
from tessera_idp.protocol import levels
from tessera_idp.protocol.levels import Finish, Used, may_set_up
from tessera_idp.store.logins_under_way import UnderWay
from tessera_shared import clock
from tessera_shared.handoff import Answer
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.form import Form
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.http.pages import Pages

_FORM = "set-up totp"


@dataclass(frozen=True, slots=True)
class LoginSetUpEndpoint:
    """The page that sets an authenticator app up, and its form."""

    handover: Handover
    forms: Forms
    flow: LoginFlow
    set_up: TotpSetUp
    factors: Factors
    pages: Pages

    async def show(self, request: Request) -> Response:
        """GET: a new secret, for a login that is under way in this browser and demands it."""
        now = clock.now()
        received = self.handover.receive(form.query(request), None, now)
        found = await self.flow.under_way(request, received, now)
        if found is None or not await self._is_due(received, found, now):
            return self.flow.restart(received)
        return self._page(request, received, found, self.set_up.offer(found.sub, now))

    async def submit(self, request: Request) -> Response:
        """POST: the first code, going on after the recovery codes were shown, or no."""
        # 1. what was sent from where, and for which login
        self.forms.refuse_foreign(request)
        now = clock.now()
        sent = await form.body(request)
        received = self.handover.receive(sent, None, now)
        is_own = self.forms.is_own(request, sent, _FORM, *self.flow.form_token_parts(request, received))
        # 2. no: the level is not reached
        if is_own and sent.get("action") == "deny":
            return await self.flow.give_up(request, received, Answer(received.ask.step, "unmet"), now)
        found = await self.flow.under_way(request, received, now, attempt=is_own)
        if found is None:
            return self.flow.restart(received)
        # 3. the recovery codes were shown: nothing is missing any more
        if is_own and sent.get("action") == "continue":
            return await self._continue(request, received, found, now)
        # 4. a secret that this page offered, in a login that still demands it
        if not await self._is_due(received, found, now):
            return self.flow.restart(received)
        offered = self.set_up.offered(sent.get("offer"), found.sub, now)
        if offered is None or not is_own:
            return self._page(request, received, found, self.set_up.offer(found.sub, now), STALE, 403)
        return await self._confirm(request, received, found, offered, sent)

    async def _confirm(
        self, request: Request, received: Received, found: UnderWay, offered: Offer, sent: Form
    ) -> Response:
        """Check the first code, and go on: by the recovery codes where these are the first."""
        now, protection = clock.now(), self.flow.protection
        attempt = await protection.second_factor(found.sub, found.key.cookie.hex(), request.state.client_address)
        if attempt.wait is not None:
            response = self._page(request, received, found, offered, TOO_MANY_TRIES, 429)
            response.headers.update(attempt.retry_after)
            return response
        name = name_of(sent.get("name"))
        confirmed = await self.set_up.confirm(offered, found.sub, name, sent.get("code") or "", now)
        if confirmed is False:
            return self._page(request, received, found, offered, WRONG, 403)
        await protection.succeeded(attempt)
        if confirmed is None:
            return self._page(request, received, found, self.set_up.offer(found.sub, now), NOT_STORED, 409)
        used = (*found.used, Used(METHOD, AMR, now))
        codes = await self.factors.added(request, found.sub, METHOD, name)
        if not codes:
            return await self.flow.go_on(request, received, found, used, now)
        if not await self.flow.store.advance(found, used, now):
            return self.flow.restart(received)
        return self._codes(request, received, codes)

    async def _continue(self, request: Request, received: Received, found: UnderWay, now: datetime) -> Response:
        if not isinstance(await self.flow.missing(received, found.sub, found.used), Finish):
            return self.flow.restart(received)
        return await self.flow.go_on(request, received, found, found.used, now)

    async def _is_due(self, received: Received, found: UnderWay, now: datetime) -> bool:
        stage = await self.flow.missing(received, found.sub, found.used)
        return isinstance(stage, levels.SetUp) and METHOD in stage.methods and may_set_up(found.used, now)

    def _page(
        self,
        request: Request,
        received: Received,
        found: UnderWay,
        offer: Offer,
        problem: str | None = None,
        status: int = 200,
    ) -> Response:
        picture = self.set_up.picture(offer, found.username)
        values = {"offer": offer, "picture": picture, "username": found.username, "problem": problem}
        return self._shown(request, received, "login_set_up.html", status, values)

    def _codes(self, request: Request, received: Received, codes: Codes) -> Response:
        return self._shown(request, received, "login_codes.html", 200, {"codes": codes})

    def _shown(
        self, request: Request, received: Received, template: str, status: int, values: dict[str, object]
    ) -> Response:
        browser_id = self.forms.browser_id(request)
        response = self.handover.page(
            self.pages,
            request,
            template,
            received,
            status=status,
            csrf=self.forms.token(browser_id, _FORM, *self.flow.form_token_parts(request, received)),
            **values,
        )
        return self.forms.remember(response, request, browser_id)

    def endpoints(self) -> list[Endpoint]:
        """The page's declaration."""
        show, submit = as_page(self.pages, self.show), as_page(self.pages, self.submit)
        typed = (
            ask_parameter("form"),
            CSRF,
            Parameter("offer", "The secret that the page offered, sealed"),
            Parameter("code", "The first code of the app"),
            Parameter("name", "What the user calls it"),
            Parameter("action", "The button", values=("login", "continue", "deny")),
        )
        answers = (PAGE, ANSWER, BAD_ASK, NOT_ACCEPTED, TOO_MANY)
        return [
            Endpoint(
                SET_UP,
                (
                    Operation("GET", "Set an app up", show, (ask_parameter("query"),), (PAGE, ANSWER, BAD_ASK)),
                    Operation("POST", "Confirm it by a code, or cancel", submit, typed, answers),
                ),
            )
        ]

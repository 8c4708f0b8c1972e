"""`/oidc/v1/login/set-up/totp`: a login that demands more than the user has sets up an authenticator app."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account.totp import NOT_STORED, WRONG
from tessera_idp.endpoints.handover import Received
from tessera_idp.endpoints.login import STALE, TOO_MANY_TRIES
from tessera_idp.endpoints.login_set_up import LoginSetUp
from tessera_idp.endpoints.page_declarations import ANSWER, BAD_ASK, CSRF, NOT_ACCEPTED, PAGE, TOO_MANY, ask_parameter
from tessera_idp.login_methods.totp import AMR, METHOD, SET_UP
from tessera_idp.login_methods.totp_set_up import Offer, TotpSetUp, name_of
from tessera_idp.protocol.levels import Finish, Used
from tessera_idp.store.logins_under_way import UnderWay
from tessera_shared import clock
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.form import Form
from tessera_shared.http.openapi import Endpoint, Operation, Parameter


@dataclass(frozen=True, slots=True)
class LoginSetUpTotpEndpoint:
    """The page that sets an authenticator app up, and its form."""

    login: LoginSetUp
    set_up: TotpSetUp

    async def show(self, request: Request) -> Response:
        """GET: a new secret, for a login that is under way in this browser and demands it."""
        now, flow = clock.now(), self.login.flow
        received = flow.handover.receive(form.query(request), None, now)
        found = await flow.under_way(request, received, now)
        if found is None or not await self.login.is_due(received, found, METHOD, now):
            return flow.restart(received)
        return await self._page(request, received, found, self.set_up.offer(found.sub, now))

    async def submit(self, request: Request) -> Response:
        """POST: the first code, going on after the recovery codes were shown, or no."""
        # 1. what was sent from where, and for which login
        self.login.forms.refuse_foreign(request)
        now, flow = clock.now(), self.login.flow
        sent = await form.body(request)
        received = flow.handover.receive(sent, None, now)
        is_own = self.login.is_own(request, sent, received, METHOD)
        # 2. no: the level is not reached
        if is_own and sent.get("action") == "deny":
            return await self.login.refuse(request, received, now)
        found = await flow.under_way(request, received, now, attempt=is_own)
        if found is None:
            return flow.restart(received)
        # 3. the recovery codes were shown: nothing is missing any more
        if is_own and sent.get("action") == "continue":
            return await self._continue(request, received, found, now)
        # 4. a secret that this page offered, in a login that still demands it
        if not await self.login.is_due(received, found, METHOD, now):
            return flow.restart(received)
        offered = self.set_up.offered(sent.get("offer"), found.sub, now)
        if offered is None or not is_own:
            return await self._page(request, received, found, self.set_up.offer(found.sub, now), STALE, 403)
        return await self._confirm(request, received, found, offered, sent)

    async def _confirm(
        self, request: Request, received: Received, found: UnderWay, offered: Offer, sent: Form
    ) -> Response:
        """Check the first code, and go on: by the recovery codes where these are the first."""
        now, flow = clock.now(), self.login.flow
        attempt = await flow.protection.second_factor(found.sub, found.key.cookie.hex(), request.state.client_address)
        if attempt.wait is not None:
            response = await self._page(request, received, found, offered, TOO_MANY_TRIES, 429)
            response.headers.update(attempt.retry_after)
            return response
        name = name_of(sent.get("name"))
        confirmed = await self.set_up.confirm(offered, found.sub, name, sent.get("code") or "", now)
        if confirmed is False:
            return await self._page(request, received, found, offered, WRONG, 403)
        await flow.protection.succeeded(attempt)
        if confirmed is None:
            return await self._page(request, received, found, self.set_up.offer(found.sub, now), NOT_STORED, 409)
        used = (*found.used, Used(METHOD, AMR, now))
        codes = await self.login.factors.added(request, found.sub, METHOD, name)
        if not codes:
            return await flow.go_on(request, received, found, used, now)
        if not await flow.store.advance(found, used, now):
            return flow.restart(received)
        return self.login.codes(request, received, METHOD, codes)

    async def _continue(self, request: Request, received: Received, found: UnderWay, now: datetime) -> Response:
        flow = self.login.flow
        if not isinstance(await flow.missing(received, found.sub, found.used), Finish):
            return flow.restart(received)
        return await flow.go_on(request, received, found, found.used, now)

    async def _page(
        self,
        request: Request,
        received: Received,
        found: UnderWay,
        offer: Offer,
        problem: str | None = None,
        status: int = 200,
    ) -> Response:
        picture = self.set_up.picture(offer, found.username)
        return await self.login.page(
            request, received, found, METHOD, status=status, problem=problem, offer=offer, picture=picture
        )

    def endpoints(self) -> list[Endpoint]:
        """The page's declaration."""
        show, submit = as_page(self.login.pages, self.show), as_page(self.login.pages, self.submit)
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
                SET_UP.path,
                (
                    Operation("GET", "Set an app up", show, (ask_parameter("query"),), (PAGE, ANSWER, BAD_ASK)),
                    Operation("POST", "Confirm it by a code, or cancel", submit, typed, answers),
                ),
            )
        ]

"""`/oidc/v1/login/second-factor`: the stage of a login after its first method."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.browser import Forms
from tessera_idp.endpoints.handover import Handover, Received
from tessera_idp.endpoints.login import BUSY_NOW, STALE, TOO_MANY_TRIES, chosen_method, others
from tessera_idp.endpoints.login_flow import PASSKEY_ADDED, SECOND_FACTOR, LoginFlow
from tessera_idp.endpoints.page_declarations import ANSWER, BAD_ASK, CSRF, DONE, PAGE, TRIED, ask_parameter
from tessera_idp.login_methods import LOGIN_METHODS, LoginMethod
from tessera_idp.protection import Attempt
from tessera_idp.protocol.levels import AskFor, Used
from tessera_idp.store.logins_under_way import UnderWay
from tessera_shared import clock, logging
from tessera_shared.argon2id import Busy
from tessera_shared.audit import Event
from tessera_shared.handoff import Answer
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.http.pages import Pages
from tessera_shared.translatable import N_

FORM = "second-factor"
_NOTICES = {PASSKEY_ADDED: N_("The passkey is added. Use it now to go on.")}


@dataclass(frozen=True, slots=True)
class SecondFactorEndpoint:
    """The page that asks for a further method, and its form."""

    handover: Handover
    forms: Forms
    flow: LoginFlow
    pages: Pages

    async def show(self, request: Request) -> Response:
        """GET: the page, for a login that is under way in this browser."""
        # 1. which ask, and which login
        now = clock.now()
        asked = form.query(request)
        received = self.handover.receive(asked, None, now)
        found = await self.flow.under_way(request, received, now)
        if found is None:
            return self.flow.restart(received)
        # 2. what is missing decides what can be used
        offered = await self._offered(received, found)
        if not offered:
            return self.flow.restart(received)
        return await self._page(request, received, found, offered, chosen_method(asked, offered))

    async def submit(self, request: Request) -> Response:
        """POST: check the proof."""
        # 1. what was sent from where, and for which ask
        self.forms.refuse_foreign(request)
        now = clock.now()
        sent = await form.body(request)
        received = self.handover.receive(sent, None, now)
        # 2. no
        is_own = self.forms.is_own(request, sent, FORM, *self.flow.form_token_parts(request, received))
        if is_own and sent.get("action") == "deny":
            return await self.flow.give_up(request, received, Answer(received.ask.step, "denied"), now)
        # 3. by the login that is under way here, whose attempts are counted before anything is checked
        found = await self.flow.under_way(request, received, now, attempt=is_own)
        offered = () if found is None else await self._offered(received, found)
        if found is None or not offered:
            logging.get().info("login refused", reason="no login is under way here, or it had too many attempts")
            return self.flow.restart(received)
        name = chosen_method(sent, offered)
        # 4. from the page that this login was shown
        if not is_own:
            return await self._page(request, received, found, offered, name, STALE, 403)
        # 5. not too often
        method = LOGIN_METHODS[name]
        attempt = await self._attempt(request, found, method, now)
        if attempt.wait is not None:
            response = await self._page(request, received, found, offered, name, TOO_MANY_TRIES, 429)
            response.headers.update(attempt.retry_after)
            return response
        # 6. the proof
        stage = self.flow.stage(self.forms.browser_id(request), received, found.sub, now)
        try:
            proof = await method.verify(sent, stage, self.flow.verifiers)
        except Busy:
            await self.flow.protection.succeeded(attempt)
            response = await self._page(request, received, found, offered, name, BUSY_NOW, 503)
            response.headers["retry-after"] = "1"
            return response
        if proof is None or proof.sub != found.sub:
            refused = Event("login.refused", found.sub, "refused", {"method": name})
            await self.flow.sessions.trail.record(request, found.sub, refused)
            return await self._page(request, received, found, offered, name, method.wrong, 403)
        # 7. the next stage, or a session and the answer
        await self.flow.protection.succeeded(attempt)
        now = clock.now()
        return await self.flow.go_on(request, received, found, (*found.used, Used(name, proof.amr, now)), now)

    def endpoints(self) -> list[Endpoint]:
        """The page's declaration."""
        show, submit = as_page(self.pages, self.show), as_page(self.pages, self.submit)
        names = tuple(LOGIN_METHODS)
        asked = (ask_parameter("query"), Parameter("method", "Which one", where="query", values=names), DONE)
        typed = (
            ask_parameter("form"),
            CSRF,
            Parameter("method", "Which one", values=names),
            Parameter("code", "A code, where the method has one"),
            Parameter("credential", "passkey: the browser's answer, an AuthenticationResponseJSON (WebAuthn §5.1.8)"),
            Parameter("action", "The button", values=("login", "deny")),
        )
        return [
            Endpoint(
                SECOND_FACTOR,
                (
                    Operation("GET", "Second factor page", show, asked, (PAGE, ANSWER, BAD_ASK)),
                    Operation("POST", "Prove it, or cancel", submit, typed, TRIED),
                ),
            )
        ]

    async def _offered(self, received: Received, found: UnderWay) -> tuple[str, ...]:
        stage = await self.flow.missing(received, found.sub, found.used)
        return stage.methods if isinstance(stage, AskFor) else ()

    async def _attempt(self, request: Request, found: UnderWay, method: LoginMethod, now: datetime) -> Attempt:
        """Where trying could find the proof, tries over one account are counted, apart in a browser known to it."""
        address = request.state.client_address
        if not method.is_guessable:
            return await self.flow.protection.proof(address)
        device = await self.flow.devices.known(request, found.username, now)
        return await self.flow.protection.second_factor(found.sub, found.key.cookie.hex(), address, device)

    async def _page(
        self,
        request: Request,
        received: Received,
        found: UnderWay,
        offered: tuple[str, ...],
        method: str,
        problem: str | None = None,
        status: int = 200,
    ) -> Response:
        browser_id = self.forms.browser_id(request)
        stage = self.flow.stage(browser_id, received, found.sub, clock.now())
        response = self.handover.page(
            self.pages,
            request,
            "second_factor.html",
            received,
            status=status,
            csrf=self.forms.token(browser_id, FORM, *self.flow.form_token_parts(request, received)),
            method=method,
            fields=LOGIN_METHODS[method].template,
            others=others(offered, method),
            username=found.username,
            problem=problem,
            notice=_NOTICES.get(request.query_params.get("done", "")) if problem is None else None,
            **await self.flow.values((LOGIN_METHODS[method],), stage),
        )
        return self.forms.remember(response, request, browser_id)

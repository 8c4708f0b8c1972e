"""`/oidc/v1/login/email-code`: sends the code that the second factor page asks for."""

import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.browser import Forms
from tessera_idp.endpoints.handover import Handover, Received
from tessera_idp.endpoints.login_flow import SECOND_FACTOR, LoginFlow
from tessera_idp.endpoints.page_declarations import BAD_ASK, CSRF, TOO_MANY, ask_parameter
from tessera_idp.endpoints.second_factor import FORM
from tessera_idp.login_methods.email_code import METHOD, login_of, verified_address
from tessera_idp.login_methods.method import Stage
from tessera_idp.mail import Mail, Mailer
from tessera_idp.protection import refusal
from tessera_idp.protocol.email_code import DIGITS, LIFETIME, code_hash, grouped, written
from tessera_idp.protocol.levels import AskFor
from tessera_idp.store.logins_under_way import UnderWay
from tessera_shared import clock, logging
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Reply
from tessera_shared.http.pages import Pages

PATH = "/oidc/v1/login/email-code"
_SENT = Reply(303, "To the page for the code, or to the login page", headers=("Location",))


@dataclass(frozen=True, slots=True)
class EmailCodeEndpoint:
    """The button that has a code sent."""

    handover: Handover
    forms: Forms
    flow: LoginFlow
    mailer: Mailer
    pages: Pages

    async def send(self, request: Request) -> Response:
        """POST: a new code, in place of an earlier one."""
        # 1. what was sent from where, and for which ask
        self.forms.refuse_foreign(request)
        now = clock.now()
        sent = await form.body(request)
        received = self.handover.receive(sent, None, now)
        # 2. from the page that this login was shown, which still lacks a second factor
        is_own = self.forms.is_own(request, sent, FORM, *self.flow.form_token_parts(request, received))
        found = await self.flow.under_way(request, received, now)
        if found is None or not is_own or not await self._is_offered(received, found):
            return self.flow.restart(received)
        # 3. not too often
        device = await self.flow.devices.known(request, found.username, now)
        attempt = await self.flow.protection.code_mail(found.sub, request.state.client_address, device)
        if attempt.wait is not None:
            raise refusal(attempt)
        # 4. the mail
        stage = self.flow.stage(self.forms.browser_id(request), received, found.sub, now)
        await self._send(stage, self.pages.language(request, received.ask.ui_locales))
        query = urlencode({"ask": received.text, "method": METHOD})
        return RedirectResponse(f"{SECOND_FACTOR}?{query}", 303, NO_STORE)

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        asked, replies = (ask_parameter("form"), CSRF), (_SENT, BAD_ASK, TOO_MANY)
        return [
            Endpoint(PATH, (Operation("POST", "Have a code sent", as_page(self.pages, self.send), asked, replies),))
        ]

    async def _is_offered(self, received: Received, found: UnderWay) -> bool:
        stage = await self.flow.missing(received, found.sub, found.used)
        return isinstance(stage, AskFor) and METHOD in stage.methods

    async def _send(self, stage: Stage, language: str) -> None:
        user = None if stage.sub is None else await self.flow.verifiers.users.find(stage.sub)
        address = None if user is None else verified_address(user)
        if address is None:
            return
        codes, code = self.flow.verifiers.email_codes, written(secrets.randbelow(10**DIGITS))
        login = login_of(stage)
        minutes = int(LIFETIME.total_seconds() // 60)
        mail = Mail(address, "email_code", language, {"code": grouped(code), "minutes": minutes})
        async with codes.store.transaction() as tx:
            await codes.store.put(tx, login, code_hash(codes.key.current, login, code), stage.now, stage.now + LIFETIME)
            await self.mailer.queue(tx, mail)
        logging.get().info("code sent by mail", sub=stage.sub)

"""`/oidc/v1/login/set-up/passkey`: a login that demands more than the user has sets up a passkey.

A registration proves nothing of who logs in (with attestation `none` nothing in it is signed, WebAuthn Level 3 §8.7):
what reaches the level is the login by the new passkey, which the next stage asks for.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account.passkeys import REFUSED
from tessera_idp.endpoints.handover import Received
from tessera_idp.endpoints.login import STALE, TOO_MANY_TRIES
from tessera_idp.endpoints.login_flow import PASSKEY_ADDED
from tessera_idp.endpoints.login_set_up import LoginSetUp
from tessera_idp.endpoints.page_declarations import ANSWER, BAD_ASK, CSRF, NOT_ACCEPTED, PAGE, TOO_MANY, ask_parameter
from tessera_idp.login_methods.passkey import METHOD, SET_UP
from tessera_idp.login_methods.passkey_set_up import Owner, PasskeySetUp
from tessera_idp.protocol.levels import AskFor
from tessera_idp.protocol.passkey import MOST_NAME
from tessera_idp.protocol.passkey_ceremony import CeremonyRefused
from tessera_idp.store.logins_under_way import UnderWay
from tessera_shared import clock
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.form import Form
from tessera_shared.http.openapi import Endpoint, Operation, Parameter


@dataclass(frozen=True, slots=True)
class LoginSetUpPasskeyEndpoint:
    """The page that sets a passkey up, and its form."""

    login: LoginSetUp
    set_up: PasskeySetUp

    async def show(self, request: Request) -> Response:
        """GET: what the browser is to make, for a login that is under way in it and demands it."""
        now, flow = clock.now(), self.login.flow
        received = flow.handover.receive(form.query(request), None, now)
        found = await flow.under_way(request, received, now)
        if found is None or not await self.login.is_due(received, found, METHOD, now):
            return flow.restart(received)
        return await self._page(request, received, found)

    async def submit(self, request: Request) -> Response:
        """POST: the browser's answer, going on after the recovery codes were shown, or no."""
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
        # 3. the recovery codes were shown: the new passkey is asked for
        if is_own and sent.get("action") == "continue":
            return await self._go_on(received, found)
        # 4. in a login that still demands it, from the page that it was shown
        if not await self.login.is_due(received, found, METHOD, now):
            return flow.restart(received)
        if not is_own:
            return await self._page(request, received, found, STALE, 403)
        # 5. not too often
        attempt = await flow.protection.proof(request.state.client_address)
        if attempt.wait is not None:
            response = await self._page(request, received, found, TOO_MANY_TRIES, 429)
            response.headers.update(attempt.retry_after)
            return response
        # 6. the passkey
        response = await self._add(request, received, found, sent)
        if response.status_code < 400:  # noqa: PLR2004 - refused ones count
            await flow.protection.succeeded(attempt)
        return response

    async def _add(self, request: Request, received: Received, found: UnderWay, sent: Form) -> Response:
        """Store the passkey, and go on: by the recovery codes where these are the first."""
        answer, name = sent.get("credential") or "", sent.get("name")
        try:
            passkey = await self.set_up.add(answer, found.sub, name, clock.now(), *_bound(found))
        except CeremonyRefused as refused:
            await self.login.factors.refused(request, found.sub, METHOD, str(refused))
            return await self._page(request, received, found, REFUSED, 403)
        if passkey is None:
            return await self._page(request, received, found, REFUSED, 403)
        codes = await self.login.factors.added(request, found.sub, METHOD, passkey.name)
        return self.login.codes(request, received, METHOD, codes) if codes else await self._go_on(received, found)

    async def _go_on(self, received: Received, found: UnderWay) -> Response:
        """To the stage that asks for the passkey; the attempts of this login go on counting."""
        stage = await self.login.flow.missing(received, found.sub, found.used)
        if not isinstance(stage, AskFor):
            return self.login.flow.restart(received)
        return self.login.flow.next_page(received, stage, done=PASSKEY_ADDED)

    async def _page(
        self, request: Request, received: Received, found: UnderWay, problem: str | None = None, status: int = 200
    ) -> Response:
        owner = Owner(found.sub, found.username, found.name)
        options = await self.set_up.offer(owner, clock.now(), *_bound(found))
        values = {"problem": problem, "options": options, "longest_name": MOST_NAME}
        return await self.login.page(request, received, found, METHOD, status=status, **values)

    def endpoints(self) -> list[Endpoint]:
        """The page's declaration."""
        show, submit = as_page(self.login.pages, self.show), as_page(self.login.pages, self.submit)
        typed = (
            ask_parameter("form"),
            CSRF,
            Parameter("credential", "The browser's answer, a RegistrationResponseJSON (WebAuthn §5.1.8)"),
            Parameter("name", "What the user calls it"),
            Parameter("action", "The button", values=("login", "continue", "deny")),
        )
        answers = (PAGE, ANSWER, BAD_ASK, NOT_ACCEPTED, TOO_MANY)
        section = "WebAuthn Level 3 §7.1"
        return [
            Endpoint(
                SET_UP.path,
                (
                    Operation("GET", "Set a passkey up", show, (ask_parameter("query"),), (PAGE, ANSWER, BAD_ASK)),
                    Operation("POST", "Add it, or cancel", submit, typed, answers, section=section),
                ),
            )
        ]


def _bound(found: UnderWay) -> tuple[str, str]:
    """Where a challenge may be answered: in the login whose page asked for it, known by its cookie."""
    return "set-up", found.key.cookie.hex()

"""`/oidc/v1/reset-password`: who does not know the password any more gets a link by mail.

Whether there is such an account the page does not tell, neither by its words nor by the time it takes.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account_changes import AccountChanges, verified_email
from tessera_idp.endpoints.browser import Forms
from tessera_idp.endpoints.handover import Received
from tessera_idp.endpoints.login import STALE, TOO_MANY_TRIES
from tessera_idp.endpoints.onward import Onward
from tessera_idp.endpoints.page_declarations import CSRF, NOT_ACCEPTED, PAGE, TOO_MANY, optional_ask
from tessera_idp.mail import Mail
from tessera_idp.protection import Protection
from tessera_idp.protocol.digest import digest
from tessera_idp.store import account_changes
from tessera_idp.store.links import Link, Purpose
from tessera_shared import clock, logging
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.http.pages import Pages
from tessera_shared.translatable import N_

_NOTHING = N_("Enter your username or your e-mail address.")
_NOBODY = "nobody@invalid"
_MAX_ENTERED = 254


@dataclass(frozen=True, slots=True)
class ResetPasswordEndpoint:
    """The page that asks for the account."""

    changes: AccountChanges
    onward: Onward
    forms: Forms
    protection: Protection
    pages: Pages

    async def show(self, request: Request) -> Response:
        """GET: the page."""
        return self._page(request, self.onward.ask(form.query(request), clock.now()))

    async def submit(self, request: Request) -> Response:
        """POST: send the link, if there is such an account."""
        # 1. what was sent from where
        self.forms.refuse_foreign(request)
        sent, now = await form.body(request), clock.now()
        received, typed = self.onward.ask(sent, now), (sent.get("account") or "").strip()[:_MAX_ENTERED]
        if not self.forms.is_own(request, sent, "reset-password"):
            return self._page(request, received, typed, STALE, 403)
        if not typed:
            return self._page(request, received, typed, _NOTHING, 400)
        # 2. not too often
        attempt = await self.protection.reset(typed, request.state.client_address)
        if attempt.wait is not None:
            response = self._page(request, received, typed, TOO_MANY_TRIES, 429)
            response.headers.update(attempt.retry_after)
            return response
        # 3. the mail, or as much work without one
        await self._send(request, received, typed)
        return self.pages.page(request, "check_mail.html", purpose="reset", entered=typed)

    async def _send(self, request: Request, received: Received | None, typed: str) -> None:
        browser = digest(self.forms.browser_id(request))
        ask = None if received is None else received.text
        language, now = self.pages.language(request, None if received is None else received.ask.ui_locales), clock.now()
        async with self.changes.database.transaction() as tx:
            user = await account_changes.find_by_name(tx, typed)
            address = None if user is None or user.disabled else verified_email(user)
            sub = None if user is None or address is None else user.sub
            url = await self.changes.add_link(
                tx, Link(Purpose.RESET_PASSWORD, sub, address or _NOBODY, ask, browser), now
            )
            values = {"link": url, "minutes": self.changes.settings.reset_minutes}
            mail = Mail(address or _NOBODY, "reset_password", language, values)
            mailer = self.changes.mailer
            await (mailer.queue_nothing(tx, mail) if sub is None else mailer.queue(tx, mail))
        logging.get().info("reset asked for", sub=sub)

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show, submit = as_page(self.pages, self.show), as_page(self.pages, self.submit)
        typed = (CSRF, optional_ask("form"), Parameter("account", "Username or e-mail address", required=True))
        return [
            Endpoint(
                "/oidc/v1/reset-password",
                (
                    Operation("GET", "Page for a forgotten password", show, (optional_ask("query"),), (PAGE,)),
                    Operation("POST", "Ask for a new password", submit, typed, (PAGE, NOT_ACCEPTED, TOO_MANY)),
                ),
            )
        ]

    def _page(
        self,
        request: Request,
        received: Received | None,
        typed: str | None = None,
        problem: str | None = None,
        status: int = 200,
    ) -> Response:
        browser_id = self.forms.browser_id(request)
        response = self.pages.page(
            request,
            "reset_password.html",
            status=status,
            ui_locales=None if received is None else received.ask.ui_locales,
            again={} if received is None else {"ask": received.text},
            ask=None if received is None else received.text,
            onward=self.onward.url(received),
            csrf=self.forms.token(browser_id, "reset-password"),
            entered=typed or "",
            problem=problem,
        )
        return self.forms.remember(response, request, browser_id)

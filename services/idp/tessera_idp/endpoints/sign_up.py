"""`/oidc/v1/sign-up`: who has no account enters an e-mail address, and gets a link by mail.

Whether there is an account with that address, the page does not tell: only the mail does.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account_changes import AccountChanges
from tessera_idp.endpoints.browser import Forms
from tessera_idp.endpoints.handover import Received
from tessera_idp.endpoints.login import STALE, TOO_MANY_TRIES
from tessera_idp.endpoints.onward import Onward
from tessera_idp.endpoints.page_declarations import CSRF, NOT_ACCEPTED, PAGE, TOO_MANY, optional_ask
from tessera_idp.mail import Mail
from tessera_idp.protection import Protection
from tessera_idp.protocol.digest import digest
from tessera_idp.protocol.email_address import email_address
from tessera_idp.store import account_changes
from tessera_idp.store.links import Link, Purpose
from tessera_shared import clock, logging
from tessera_shared.errors import OAuthError
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.http.pages import Pages
from tessera_shared.translatable import N_

NO_ADDRESS = N_("That is no e-mail address that mail can be sent to. Check it and try again.")
_CLOSED = N_("Accounts are made by the operator here, not on this page.")


@dataclass(frozen=True, slots=True)
class SignUpEndpoint:
    """The page for the address."""

    changes: AccountChanges
    onward: Onward
    forms: Forms
    protection: Protection
    pages: Pages

    async def show(self, request: Request) -> Response:
        """GET: the page."""
        self._refuse_closed()
        return self._page(request, self.onward.ask(form.query(request), clock.now()))

    async def submit(self, request: Request) -> Response:
        """POST: send the link."""
        # 1. what was sent from where
        self._refuse_closed()
        self.forms.refuse_foreign(request)
        sent, now = await form.body(request), clock.now()
        received, typed = self.onward.ask(sent, now), sent.get("email")
        if not self.forms.is_own(request, sent, "sign-up"):
            return self._page(request, received, typed, STALE, 403)
        # 2. an address
        email = email_address(typed)
        if email is None:
            return self._page(request, received, typed, NO_ADDRESS, 400)
        # 3. not too often
        attempt = await self.protection.sign_up(email, request.state.client_address)
        if attempt.wait is not None:
            response = self._page(request, received, typed, TOO_MANY_TRIES, 429)
            response.headers.update(attempt.retry_after)
            return response
        # 4. the mail; the same work is done for an address that is known
        browser = digest(self.forms.browser_id(request))
        ask = None if received is None else received.text
        link = Link(Purpose.SIGN_UP, None, email, ask, browser)
        language = self.pages.language(request, None if received is None else received.ask.ui_locales)
        async with self.changes.database.transaction() as tx:
            owner = await account_changes.find_by_email(tx, email)
            url = await self.changes.add_link(tx, link, now)
            if owner is None:
                mail = Mail(email, "verify_email", language, {"link": url, "hours": self.changes.settings.verify_hours})
            else:
                new_password = f"{self.changes.public_url}/oidc/v1/reset-password"
                mail = Mail(email, "have_account", language, {"link": new_password})
            await self.changes.mailer.queue(tx, mail)
        logging.get().info("sign-up begun", known=owner is not None)
        return self.pages.page(request, "check_mail.html", purpose="sign-up", entered=email)

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show, submit = as_page(self.pages, self.show), as_page(self.pages, self.submit)
        typed = (CSRF, optional_ask("form"), Parameter("email", "E-mail address", required=True))
        return [
            Endpoint(
                "/oidc/v1/sign-up",
                (
                    Operation("GET", "Sign-up page", show, (optional_ask("query"),), (PAGE, NOT_ACCEPTED)),
                    Operation("POST", "Ask for an account", submit, typed, (PAGE, NOT_ACCEPTED, TOO_MANY)),
                ),
            )
        ]

    def _refuse_closed(self) -> None:
        if self.changes.settings.sign_up == "closed":
            raise OAuthError("access_denied", _CLOSED, status=403, expected="accounts.sign_up: open", received="closed")

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
            "sign_up.html",
            status=status,
            ui_locales=None if received is None else received.ask.ui_locales,
            again={} if received is None else {"ask": received.text},
            ask=None if received is None else received.text,
            onward=self.onward.url(received),
            csrf=self.forms.token(browser_id, "sign-up"),
            email=typed or "",
            problem=problem,
        )
        return self.forms.remember(response, request, browser_id)

"""The login that goes on after a sign-up or a reset: the one that led there, in the browser where it began."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from tessera_idp.endpoints.browser import Forms
from tessera_idp.endpoints.handover import Handover, Received
from tessera_idp.endpoints.login_flow import login_url
from tessera_idp.protocol.digest import digest
from tessera_idp.protocol.page_policy import form_destinations
from tessera_idp.store.links import Link
from tessera_shared import logging
from tessera_shared.errors import OAuthError
from tessera_shared.http.form import Form

ACCOUNT = "/account"


@dataclass(frozen=True, slots=True)
class Onward:
    """Carries an ask along."""

    handover: Handover
    forms: Forms

    def ask(self, parameters: Form, now: datetime) -> Received | None:
        """The ask in the parameters; None where there is none that still works."""
        if parameters.get("ask") is None:
            return None
        try:
            return self.handover.receive(parameters, None, now)
        except OAuthError as error:
            logging.get().info("the login cannot go on", reason=error.received)
            return None

    def of_link(self, request: Request, link: Link, now: datetime) -> Received | None:
        """The ask that a link carries, if it was mailed because of this browser: nowhere else it can be answered."""
        browser = self.forms.cookies.read(request, "form")
        if link.ask is None or browser is None or digest(browser) != link.browser_hash:
            return None
        return self.ask(Form([("ask", link.ask)]), now)

    def destinations(self, received: Received | None) -> list[str]:
        """Where a form may lead that goes on with the login at once (CSP form-action)."""
        return [] if received is None else form_destinations(self.handover.issuer, received.ask.redirect_origin)

    def url(self, received: Received | None) -> str:
        """Where the user goes on: to the login page, or to the account's."""
        return ACCOUNT if received is None else login_url(received)

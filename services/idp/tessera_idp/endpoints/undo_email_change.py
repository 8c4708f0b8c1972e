"""`/oidc/v1/undo-email-change`: the link that the old address gets, for a user whose account somebody else has taken.

The address is the account's again, every session ends, and the password is no longer valid: a mail with a link to a
new one follows. Whoever changed the address knew the password. What was added since to log in with goes, too.
"""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account_changes import AccountChanges, verified_email
from tessera_idp.endpoints.browser import Forms
from tessera_idp.endpoints.login import STALE
from tessera_idp.endpoints.page_declarations import CSRF, LINK_OVER, NOT_ACCEPTED, PAGE, link_parameter
from tessera_idp.endpoints.verify_email import link_over
from tessera_idp.mail import Mail
from tessera_idp.protocol.digest import digest
from tessera_idp.protocol.models import User
from tessera_idp.store import account_changes, links
from tessera_idp.store.links import Link, Purpose
from tessera_shared import clock, logging
from tessera_shared.audit import Event
from tessera_shared.db import Transaction
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation
from tessera_shared.http.pages import Pages


@dataclass(frozen=True, slots=True)
class UndoEmailChangeEndpoint:
    """The page with the button."""

    changes: AccountChanges
    forms: Forms
    pages: Pages

    async def show(self, request: Request) -> Response:
        """GET: the button; the link still works afterwards."""
        token = form.query(request).get("token") or ""
        link = await links.find(self.changes.database, digest(token), Purpose.UNDO_EMAIL, clock.now())
        return link_over(self.pages, request) if link is None else self._page(request, token, link)

    async def submit(self, request: Request) -> Response:
        """POST: undo the change."""
        # 1. what was sent from where
        self.forms.refuse_foreign(request)
        sent, now = await form.body(request), clock.now()
        token = sent.get("token") or ""
        link = await links.find(self.changes.database, digest(token), Purpose.UNDO_EMAIL, now)
        if link is None or link.sub is None:
            return link_over(self.pages, request)
        if not self.forms.is_own(request, sent, "undo-email-change", token):
            return self._page(request, token, link, STALE, 403)
        # 2. undone, and the link is used up: all of it or nothing
        if not await self._undo(request, link.sub, token):
            return link_over(self.pages, request)
        return self.pages.page(request, "email_restored.html", email=link.email)

    async def _undo(self, request: Request, sub: str, token: str) -> bool:
        now, changes, language = clock.now(), self.changes, self.pages.language(request)
        async with changes.database.transaction() as tx:
            user = await account_changes.lock(tx, sub)
            link = await links.lock(tx, digest(token), Purpose.UNDO_EMAIL, now)
            if link is None or user is None or not await account_changes.is_email_free(tx, link.email, user.sub):
                return False
            await account_changes.set_claims(
                tx, user.sub, {**user.claims, "email": link.email, "email_verified": True}, now
            )
            await account_changes.remove_password(tx, user.sub)
            await self._forget_factors(tx, request, user.sub, await links.sent_at(tx, digest(token)))
            # earlier links stay: who took the account cannot use a later one to make the owner's useless
            await links.forget_undos_since(tx, digest(token))
            for purpose in (Purpose.CHANGE_EMAIL, Purpose.RESET_PASSWORD):
                await links.forget_of_user(tx, user.sub, purpose)
            grants = await changes.end_sessions(tx, user.sub)
            await changes.sessions.trail.record_in(tx, request, user.sub, Event("email.restored", user.sub))
            url = await changes.add_link(tx, Link(Purpose.RESET_PASSWORD, user.sub, link.email), now)
            values = {"link": url, "minutes": changes.settings.reset_minutes}
            await changes.mailer.queue(tx, Mail(link.email, "reset_password", language, values))
            await self._tell(tx, request, user, link.email)
        await changes.announce(grants)
        await changes.devices.forget_others(request, user.sub)
        logging.get().info("change of e-mail address undone", sub=user.sub)
        return True

    async def _tell(self, tx: Transaction, request: Request, user: User, restored: str) -> None:
        """The address that goes learns of it: the one before may be in wrong hands."""
        gone = verified_email(user)
        if gone is not None and gone.lower() != restored.lower():
            values = {**self.changes.circumstances(request), "link": None, "days": 0}
            mail = Mail(gone, "email_changed", self.pages.language(request), values)
            await self.changes.mailer.queue(tx, mail)

    async def _forget_factors(self, tx: Transaction, request: Request, sub: str, since: datetime) -> None:
        """What was added since would let a thief in again, or keep the owner out."""
        for method, name in await account_changes.forget_factors(tx, sub, since):
            removed = Event("factor.removed", sub, details={"method": method, "name": name})
            await self.changes.sessions.trail.record_in(tx, request, sub, removed)

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show, submit = as_page(self.pages, self.show), as_page(self.pages, self.submit)
        in_form, in_query = (CSRF, link_parameter("form")), (link_parameter("query"),)
        return [
            Endpoint(
                "/oidc/v1/undo-email-change",
                (
                    Operation("GET", "The link of the old address", show, in_query, (PAGE, LINK_OVER)),
                    Operation("POST", "Undo the change", submit, in_form, (PAGE, LINK_OVER, NOT_ACCEPTED)),
                ),
            )
        ]

    def _page(
        self, request: Request, token: str, link: Link, problem: str | None = None, status: int = 200
    ) -> Response:
        browser_id = self.forms.browser_id(request)
        response = self.pages.page(
            request,
            "undo_email_change.html",
            status=status,
            again={"token": token},
            token=token,
            csrf=self.forms.token(browser_id, "undo-email-change", token),
            email=link.email,
            problem=problem,
        )
        return self.forms.remember(response, request, browser_id)

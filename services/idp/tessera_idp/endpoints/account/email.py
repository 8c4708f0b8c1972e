"""`/account/email`: change of the e-mail address. The new one is proved by a link first; the old one is told."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import STALE, AccountLayout
from tessera_idp.endpoints.account.profile import PATH as PROFILE
from tessera_idp.endpoints.account_changes import AccountChanges, verified_email
from tessera_idp.endpoints.login import TOO_MANY_TRIES
from tessera_idp.endpoints.page_declarations import (
    CSRF,
    DONE,
    LINK_OVER,
    NOT_ACCEPTED,
    PAGE,
    TO_LOGIN,
    TOO_MANY,
    link_parameter,
)
from tessera_idp.endpoints.sign_up import NO_ADDRESS
from tessera_idp.endpoints.verify_email import link_over
from tessera_idp.mail import Mail
from tessera_idp.protection import Protection
from tessera_idp.protocol.digest import digest
from tessera_idp.protocol.email_address import email_address
from tessera_idp.protocol.models import Session, User
from tessera_idp.store import account_changes, links
from tessera_idp.store.links import Link, Purpose
from tessera_shared import clock, logging
from tessera_shared.audit import Event
from tessera_shared.db import Transaction
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.translatable import N_

PATH = "/account/email"
_NOTICES = {"sent": N_("A mail is on its way to that address. Open the link in it, in this browser.")}
_SAME = N_("That is your address already.")


@dataclass(frozen=True, slots=True)
class EmailEndpoint:
    """The form of the address, and the link that proves it."""

    guard: AccountGuard
    layout: AccountLayout
    changes: AccountChanges
    protection: Protection

    async def show(self, request: Request) -> Response:
        """GET: the form, after a fresh login."""
        session = await self.guard.enter(request, fresh=True)
        if isinstance(session, Response):
            return session
        return await self._page(request, session)

    async def submit(self, request: Request) -> Response:
        """POST: send the link to the new address; until it is used, nothing changes."""
        # 1. by whom, from the page that this user was shown in this browser
        session = await self.guard.enter(request, fresh=True)
        if isinstance(session, Response):
            return session
        sent, now = await form.body(request), clock.now()
        typed = sent.get("email")
        if not self.layout.is_own(request, sent, session):
            return await self._page(request, session, typed, STALE, 403)
        # 2. an address that is not the user's yet
        email, user = email_address(typed), await self.changes.users.find(session.sub)
        if email is None:
            return await self._page(request, session, typed, NO_ADDRESS, 400)
        if user is not None and (verified_email(user) or "").lower() == email.lower():
            return await self._page(request, session, typed, _SAME, 400)
        # 3. not too often
        attempt = await self.protection.change_of_address(session.sub, email, request.state.client_address)
        if attempt.wait is not None:
            response = await self._page(request, session, typed, TOO_MANY_TRIES, 429)
            response.headers.update(attempt.retry_after)
            return response
        # 4. the mail
        async with self.changes.database.transaction() as tx:
            url = await self.changes.add_link(tx, Link(Purpose.CHANGE_EMAIL, session.sub, email), now)
            values = {"link": url, "hours": self.changes.settings.verify_hours}
            await self.changes.mailer.queue(
                tx, Mail(email, "change_email", self.layout.pages.language(request), values)
            )
        return RedirectResponse(f"{PATH}?done=sent", 303, NO_STORE)

    async def show_link(self, request: Request) -> Response:
        """GET of the link: the button; only for the user who entered the address."""
        session = await self.guard.enter(request)
        if isinstance(session, Response):
            return session
        token = form.query(request).get("token") or ""
        link = await links.find(self.changes.database, digest(token), Purpose.CHANGE_EMAIL, clock.now())
        if link is None or link.sub != session.sub:
            return link_over(self.layout.pages, request)
        return self._link_page(request, session, token, link)

    async def use_link(self, request: Request) -> Response:
        """POST of the link: the address is the user's from now on."""
        # 1. by whom, from the page that this user was shown in this browser
        session = await self.guard.enter(request)
        if isinstance(session, Response):
            return session
        sent, now = await form.body(request), clock.now()
        token = sent.get("token") or ""
        link = await links.find(self.changes.database, digest(token), Purpose.CHANGE_EMAIL, now)
        if link is None or link.sub != session.sub:
            return link_over(self.layout.pages, request)
        if not self.layout.is_own(request, sent, session):
            return self._link_page(request, session, token, link, STALE, 403)
        # 2. stored, and the link is used up: all of it or nothing
        async with self.changes.database.transaction() as tx:
            user = await account_changes.lock(tx, session.sub)
            locked = await links.lock(tx, digest(token), Purpose.CHANGE_EMAIL, now)
            if user is None or locked is None or not await account_changes.is_email_free(tx, link.email, session.sub):
                return link_over(self.layout.pages, request)
            await self._change(tx, request, user, link.email)
        return RedirectResponse(f"{PROFILE}?done=email", 303, NO_STORE)

    async def _change(self, tx: Transaction, request: Request, user: User, email: str) -> None:
        now, old = clock.now(), verified_email(user)
        claims = {**user.claims, "email": email, "email_verified": True}
        await account_changes.set_claims(tx, user.sub, claims, now)
        for purpose in (Purpose.CHANGE_EMAIL, Purpose.RESET_PASSWORD):
            await links.forget_of_user(tx, user.sub, purpose)
        await self.changes.sessions.trail.record_in(tx, request, user.sub, Event("email.changed", user.sub))
        if old is not None and old.lower() != email.lower():
            url = await self.changes.add_link(tx, Link(Purpose.UNDO_EMAIL, user.sub, old), now)
            values = {**self.changes.circumstances(request), "link": url, "days": self.changes.settings.undo_days}
            await self.changes.mailer.queue(tx, Mail(old, "email_changed", self.layout.pages.language(request), values))
        logging.get().info("e-mail address changed", sub=user.sub)

    async def _page(
        self,
        request: Request,
        session: Session,
        typed: str | None = None,
        problem: str | None = None,
        status: int = 200,
    ) -> Response:
        user = await self.changes.users.find(session.sub)
        claims = {} if user is None else user.claims
        return self.layout.page(
            request,
            "account_email.html",
            session,
            "profile",
            status=status,
            problem=problem,
            notice=_NOTICES.get(request.query_params.get("done", "")),
            typed=typed or "",
            email=claims.get("email"),
            email_verified=claims.get("email_verified") is True,
        )

    def _link_page(
        self,
        request: Request,
        session: Session,
        token: str,
        link: Link,
        problem: str | None = None,
        status: int = 200,
    ) -> Response:
        return self.layout.page(
            request,
            "account_email_confirm.html",
            session,
            "profile",
            status=status,
            problem=problem,
            token=token,
            email=link.email,
        )

    def endpoints(self) -> list[Endpoint]:
        """The declarations."""
        pages = self.layout.pages
        show, submit = as_page(pages, self.show), as_page(pages, self.submit)
        show_link, use_link = as_page(pages, self.show_link), as_page(pages, self.use_link)
        typed = (CSRF, Parameter("email", "The new address", required=True))
        in_form, in_query = (CSRF, link_parameter("form")), (link_parameter("query"),)
        return [
            Endpoint(
                PATH,
                (
                    Operation("GET", "Account: e-mail address", show, (DONE,), (PAGE, TO_LOGIN)),
                    Operation("POST", "Change the address", submit, typed, (TO_LOGIN, NOT_ACCEPTED, TOO_MANY)),
                ),
            ),
            Endpoint(
                f"{PATH}/confirm",
                (
                    Operation("GET", "The link of a new address", show_link, in_query, (PAGE, TO_LOGIN, LINK_OVER)),
                    Operation("POST", "Confirm the address", use_link, in_form, (TO_LOGIN, NOT_ACCEPTED, LINK_OVER)),
                ),
            ),
        ]

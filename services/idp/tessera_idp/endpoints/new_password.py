"""`/oidc/v1/reset-password/new`: the link of a reset. Whoever has it chooses a new password, and then logs in with it.

Opening the link changes nothing, since mail scanners open links too; the form uses it, once. A second factor is
asked for at the login as ever.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account_changes import WEAK, AccountChanges
from tessera_idp.endpoints.browser import Forms
from tessera_idp.endpoints.login import BUSY_NOW, STALE
from tessera_idp.endpoints.onward import Onward
from tessera_idp.endpoints.page_declarations import BUSY, CSRF, LINK_OVER, NOT_ACCEPTED, PAGE, link_parameter
from tessera_idp.endpoints.verify_email import link_over
from tessera_idp.protocol.digest import digest
from tessera_idp.store import account_changes, links
from tessera_idp.store.links import Purpose
from tessera_shared import clock
from tessera_shared.argon2id import Busy
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.http.pages import Pages


@dataclass(frozen=True, slots=True)
class NewPasswordEndpoint:
    """The page for the new password."""

    changes: AccountChanges
    onward: Onward
    forms: Forms
    pages: Pages

    async def show(self, request: Request) -> Response:
        """GET: the page; the link still works afterwards."""
        token = form.query(request).get("token") or ""
        link = await links.find(self.changes.database, digest(token), Purpose.RESET_PASSWORD, clock.now())
        return link_over(self.pages, request) if link is None else self._page(request, token)

    async def submit(self, request: Request) -> Response:
        """POST: store the password."""
        # 1. what was sent from where
        self.forms.refuse_foreign(request)
        sent, now = await form.body(request), clock.now()
        token = sent.get("token") or ""
        link = await links.find(self.changes.database, digest(token), Purpose.RESET_PASSWORD, now)
        user = None if link is None or link.sub is None else await self.changes.users.find(link.sub)
        if link is None or user is None:
            return link_over(self.pages, request)
        if not self.forms.is_own(request, sent, "new-password", token):
            return self._page(request, token, STALE, 403)
        # 2. a password that may be chosen
        chosen = sent.get("password") or ""
        weakness = await self.changes.policy.weakness(chosen, user.username, link.email, user.claims.get("name"))
        if weakness is not None:
            return self._page(request, token, WEAK[weakness], 400)
        try:
            hashed = await self.changes.passwords.hash(chosen)
        except Busy:
            response = self._page(request, token, BUSY_NOW, 503)
            response.headers["retry-after"] = "1"
            return response
        # 3. stored, and the link is used up: all of it or nothing
        if not await self._store(request, user.sub, token, hashed):
            return link_over(self.pages, request)
        # 4. the login goes on
        received = self.onward.of_link(request, link, clock.now())
        url = self.onward.url(received)
        return self.pages.page(request, "password_reset.html", onward=url, has_login=received is not None)

    async def _store(self, request: Request, sub: str, token: str, hashed: str) -> bool:
        """Whether it is stored; the user is locked first, as by all who use links, so that none waits for another."""
        ends = self.changes.settings.reset_ends_sessions
        grants: tuple[str, ...] = ()
        async with self.changes.database.transaction() as tx:
            user = await account_changes.lock(tx, sub)
            link = await links.lock(tx, digest(token), Purpose.RESET_PASSWORD, clock.now())
            if user is None or user.disabled or link is None:
                return False
            await self.changes.set_password(tx, request, user.sub, hashed)
            if ends:
                grants = await self.changes.end_sessions(tx, user.sub)
        await self.changes.announce(grants)
        await self.changes.tell_of_password(request, user.sub, strangers=ends)
        return True

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show, submit = as_page(self.pages, self.show), as_page(self.pages, self.submit)
        typed = (CSRF, link_parameter("form"), Parameter("password", "The new password", required=True))
        return [
            Endpoint(
                "/oidc/v1/reset-password/new",
                (
                    Operation("GET", "The link of a reset", show, (link_parameter("query"),), (PAGE, LINK_OVER)),
                    Operation("POST", "Set the password", submit, typed, (PAGE, LINK_OVER, NOT_ACCEPTED, BUSY)),
                ),
            )
        ]

    def _page(self, request: Request, token: str, problem: str | None = None, status: int = 200) -> Response:
        browser_id = self.forms.browser_id(request)
        response = self.pages.page(
            request,
            "new_password.html",
            status=status,
            again={"token": token},
            token=token,
            csrf=self.forms.token(browser_id, "new-password", token),
            minimum_length=self.changes.policy.minimum_length,
            problem=problem,
        )
        return self.forms.remember(response, request, browser_id)

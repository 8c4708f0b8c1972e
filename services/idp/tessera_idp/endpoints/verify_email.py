"""`/oidc/v1/verify-email`: the link of a sign-up. Whoever has it chooses username and password, and has an account.

Opening the link changes nothing, since mail scanners open links too; the form uses it, once.
"""

from dataclasses import dataclass, field
from enum import Enum
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.account_changes import WEAK, AccountChanges
from tessera_idp.endpoints.browser import Forms
from tessera_idp.endpoints.login import BUSY_NOW, STALE, TOO_MANY_TRIES
from tessera_idp.endpoints.login_flow import LoginFlow
from tessera_idp.endpoints.onward import ACCOUNT, Onward
from tessera_idp.endpoints.page_declarations import (
    ANSWER,
    BUSY,
    CSRF,
    LINK_OVER,
    NOT_ACCEPTED,
    PAGE,
    TOO_MANY,
    link_parameter,
)
from tessera_idp.login_methods import password
from tessera_idp.protection import Protection
from tessera_idp.protocol.digest import digest
from tessera_idp.protocol.levels import Used
from tessera_idp.protocol.username import username
from tessera_idp.store import account_changes, links
from tessera_idp.store.links import Link, Purpose
from tessera_shared import clock, logging
from tessera_shared.argon2id import Busy
from tessera_shared.audit import Event
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.http.pages import Pages
from tessera_shared.translatable import N_

_BAD_NAME = N_(
    "A username has 1 to 40 letters of the English alphabet, digits, dots, hyphens and underscores. Choose another one."
)
_TAKEN = N_("That username is taken. Choose another one.")


class _Refused(Enum):
    """Why there is no new account."""

    LINK_OVER = "used at the same time, or the address is another account's by now"
    NAME_TAKEN = "the username is another account's"


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the page shows."""

    token: str = field(repr=False)
    link: Link
    username: str = ""
    problem: str | None = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class VerifyEmailEndpoint:
    """The page for username and password."""

    changes: AccountChanges
    onward: Onward
    forms: Forms
    flow: LoginFlow
    protection: Protection
    pages: Pages

    async def show(self, request: Request) -> Response:
        """GET: the page; the link still works afterwards."""
        token = form.query(request).get("token") or ""
        link = await links.find(self.changes.database, digest(token), Purpose.SIGN_UP, clock.now())
        return link_over(self.pages, request) if link is None else self._page(request, _Shown(token, link))

    async def submit(self, request: Request) -> Response:
        """POST: make the account, and go on with the login that led here."""
        # 1. what was sent from where
        self.forms.refuse_foreign(request)
        sent, now = await form.body(request), clock.now()
        token, typed = sent.get("token") or "", sent.get("username") or ""
        link = await links.find(self.changes.database, digest(token), Purpose.SIGN_UP, now)
        if link is None:
            return link_over(self.pages, request)
        if not self.forms.is_own(request, sent, "verify-email", token):
            return self._page(request, _Shown(token, link, typed, STALE, 403))
        # 2. not too often: whether a name is taken is told here
        attempt = await self.protection.choose_name(digest(token).hex())
        if attempt.wait is not None:
            response = self._page(request, _Shown(token, link, typed, TOO_MANY_TRIES, 429))
            response.headers.update(attempt.retry_after)
            return response
        # 3. a name and a password that may be chosen
        name, chosen = username(typed), sent.get("password") or ""
        if name is None:
            return self._page(request, _Shown(token, link, typed, _BAD_NAME, 400))
        weakness = await self.changes.policy.weakness(chosen, name, link.email)
        if weakness is not None:
            return self._page(request, _Shown(token, link, typed, WEAK[weakness], 400))
        try:
            hashed = await self.changes.passwords.hash(chosen)
        except Busy:
            response = self._page(request, _Shown(token, link, typed, BUSY_NOW, 503))
            response.headers["retry-after"] = "1"
            return response
        # 4. the account, and the link is used up: all of it or nothing
        sub = await self._make(request, (token, link.email), name, hashed)
        if sub is _Refused.LINK_OVER:
            return link_over(self.pages, request)
        if sub is _Refused.NAME_TAKEN:
            return self._page(request, _Shown(token, link, typed, _TAKEN, 409))
        # 5. the login goes on
        now = clock.now()
        received = self.onward.of_link(request, link, now)
        if received is None:
            return RedirectResponse(ACCOUNT, 303, NO_STORE)
        return await self.flow.begin(request, received, sub, (Used(password.METHOD, password.AMR, now),), now)

    async def _make(self, request: Request, used: tuple[str, str], name: str, hashed: str) -> "str | _Refused":
        """The sub of the new account; its address is locked before the link, so that two of one address do not wait."""
        (token, email), now, sub = used, clock.now(), str(uuid4())
        async with self.changes.database.transaction() as tx:
            is_free = await account_changes.is_email_free(tx, email)
            link = await links.lock(tx, digest(token), Purpose.SIGN_UP, now)
            if link is None or not is_free:
                return _Refused.LINK_OVER
            claims = {"preferred_username": name, "email": link.email, "email_verified": True}
            if not await account_changes.add(tx, sub, name, claims, now):
                return _Refused.NAME_TAKEN
            await account_changes.set_password(tx, sub, hashed, now)
            await links.forget_sign_ups(tx, link.email)
            made = Event("user.added", sub, details={"username": name})
            await self.changes.sessions.trail.record_in(tx, request, sub, made)
        logging.get().info("account made", sub=sub)
        return sub

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show, submit = as_page(self.pages, self.show), as_page(self.pages, self.submit)
        typed = (
            CSRF,
            link_parameter("form"),
            Parameter("username", "Name of the account", required=True, example="alice"),
            Parameter("password", "Password of the account", required=True),
        )
        taken = (LINK_OVER, NOT_ACCEPTED, TOO_MANY, BUSY)
        return [
            Endpoint(
                "/oidc/v1/verify-email",
                (
                    Operation("GET", "The link of a sign-up", show, (link_parameter("query"),), (PAGE, LINK_OVER)),
                    Operation("POST", "Make the account", submit, typed, (ANSWER, *taken)),
                ),
            )
        ]

    def _page(self, request: Request, shown: _Shown) -> Response:
        browser_id = self.forms.browser_id(request)
        response = self.pages.page(
            request,
            "verify_email.html",
            status=shown.status,
            form_action=self.onward.destinations(self.onward.of_link(request, shown.link, clock.now())),
            again={"token": shown.token},
            token=shown.token,
            csrf=self.forms.token(browser_id, "verify-email", shown.token),
            email=shown.link.email,
            username=shown.username,
            minimum_length=self.changes.policy.minimum_length,
            problem=shown.problem,
        )
        return self.forms.remember(response, request, browser_id)


def link_over(pages: Pages, request: Request) -> Response:
    """What a link is answered that was used, is too old, or never was one."""
    return pages.page(request, "link_over.html", status=410)

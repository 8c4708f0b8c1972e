"""`/account/security/totp`: the user's authenticator apps."""

from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.account.factors import Factors
from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import STALE, AccountLayout
from tessera_idp.endpoints.page_declarations import CSRF, DONE, NOT_ACCEPTED, PAGE, TO_LOGIN, TOO_MANY
from tessera_idp.login_methods.totp import METHOD
from tessera_idp.login_methods.totp_set_up import Offer, TotpSetUp, name_of
from tessera_idp.protection import Protection
from tessera_idp.protocol.models import Session
from tessera_shared import clock
from tessera_shared.errors import OAuthError
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply
from tessera_shared.translatable import N_

PATH = "/account/security/totp"
NEW_PATH = f"{PATH}/new"
WRONG = N_("That code is not right. Check that your app has this key and your device the right time, then try again.")
TOO_MANY_TRIES = N_("There were too many tries. Wait a few minutes, then try again.")
NOT_STORED = N_("This authenticator is set up already, or you have too many. Look at the list.")
_NOTICES = {"added": N_("The authenticator app is set up."), "removed": N_("The authenticator app is removed.")}


@dataclass(frozen=True, slots=True)
class TotpEndpoint:
    """The list of authenticator apps, and the page that sets up another."""

    guard: AccountGuard
    layout: AccountLayout
    set_up: TotpSetUp
    factors: Factors
    protection: Protection

    async def show(self, request: Request) -> Response:
        """GET: the list."""
        session = await self.guard.enter(request, fresh=True)
        if isinstance(session, Response):
            return session
        return await self._list(request, session)

    async def remove(self, request: Request) -> Response:
        """POST: remove one."""
        # 1. by whom, lately
        session = await self.guard.enter(request, fresh=True)
        if isinstance(session, Response):
            return session
        # 2. from the page that this user was shown in this browser
        sent = await form.body(request)
        if not self.layout.is_own(request, sent, session):
            return await self._list(request, session, STALE, 403)
        # 3. which
        removed = await self.set_up.store.remove(session.sub, _id(sent.get("id")))
        if removed is not None:
            await self.factors.removed(request, session.sub, METHOD, removed)
        return RedirectResponse(f"{PATH}?done=removed", 303, NO_STORE)

    async def offer(self, request: Request) -> Response:
        """GET: a new secret, as a QR code and as text."""
        session = await self.guard.enter(request, fresh=True)
        if isinstance(session, Response):
            return session
        return self._new(request, session, self.set_up.offer(session.sub, clock.now()))

    async def confirm(self, request: Request) -> Response:
        """POST: the first code of the secret that was offered."""
        # 1. by whom, lately
        session = await self.guard.enter(request, fresh=True)
        if isinstance(session, Response):
            return session
        # 2. from the page that this user was shown in this browser, with a secret that was offered there
        sent, now = await form.body(request), clock.now()
        offered = self.set_up.offered(sent.get("offer"), session.sub, now)
        if offered is None or not self.layout.is_own(request, sent, session):
            return self._new(request, session, self.set_up.offer(session.sub, now), STALE, 403)
        # 3. not too often
        attempt = await self.protection.second_factor(session.sub, offered.id, request.state.client_address)
        if attempt.wait is not None:
            response = self._new(request, session, offered, TOO_MANY_TRIES, 429)
            response.headers.update(attempt.retry_after)
            return response
        # 4. the code
        name = name_of(sent.get("name"))
        confirmed = await self.set_up.confirm(offered, session.sub, name, sent.get("code") or "", now)
        if confirmed is False:
            return self._new(request, session, offered, WRONG, 403)
        await self.protection.succeeded(attempt)
        if confirmed is None:
            return await self._list(request, session, NOT_STORED, 409)
        # 5. what follows: the first recovery codes, shown this once
        codes = await self.factors.added(request, session.sub, METHOD, name)
        if codes:
            return self.layout.page(request, "account_codes.html", session, "security", codes=codes)
        return RedirectResponse(f"{PATH}?done=added", 303, NO_STORE)

    async def _list(
        self, request: Request, session: Session, problem: str | None = None, status: int = 200
    ) -> Response:
        return self.layout.page(
            request,
            "account_totp.html",
            session,
            "security",
            status=status,
            problem=problem,
            notice=_NOTICES.get(request.query_params.get("done", "")),
            authenticators=await self.set_up.store.list_of(session.sub),
        )

    def _new(
        self, request: Request, session: Session, offer: Offer, problem: str | None = None, status: int = 200
    ) -> Response:
        return self.layout.page(
            request,
            "account_totp_new.html",
            session,
            "security",
            status=status,
            problem=problem,
            offer=offer,
            picture=self.set_up.picture(offer, session.username),
        )

    def endpoints(self) -> list[Endpoint]:
        """The declarations."""
        pages = self.layout.pages
        show, remove = as_page(pages, self.show), as_page(pages, self.remove)
        removing = (CSRF, Parameter("id", "Which one to remove", required=True))
        confirming = (
            CSRF,
            Parameter("offer", "The secret that the page offered, sealed", required=True),
            Parameter("code", "The first code", required=True),
            Parameter("name", "What the user calls it"),
        )
        taken = Reply(409, "The list: nothing was added", media_type="text/html")
        return [
            Endpoint(
                PATH,
                (
                    Operation("GET", "Account: authenticator apps", show, (DONE,), (PAGE, TO_LOGIN)),
                    Operation("POST", "Remove one", remove, removing, (TO_LOGIN, NOT_ACCEPTED)),
                ),
            ),
            Endpoint(
                NEW_PATH,
                (
                    Operation("GET", "Set up an app", as_page(pages, self.offer), replies=(PAGE, TO_LOGIN)),
                    Operation(
                        "POST",
                        "Confirm it by a code",
                        as_page(pages, self.confirm),
                        confirming,
                        (PAGE, TO_LOGIN, NOT_ACCEPTED, taken, TOO_MANY),
                    ),
                ),
            ),
        ]


def _id(sent: str | None) -> str:
    try:
        return str(UUID(sent or ""))
    except ValueError as error:
        raise OAuthError("invalid_request", "The form does not say which one.", expected="an id") from error

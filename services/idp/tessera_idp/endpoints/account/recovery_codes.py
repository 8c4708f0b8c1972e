"""`/account/security/recovery-codes`: how many are left, and new ones."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account.factors import Factors
from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import STALE, AccountLayout
from tessera_idp.endpoints.page_declarations import CSRF, NOT_ACCEPTED, PAGE, TO_LOGIN
from tessera_idp.protocol.models import Session
from tessera_idp.protocol.recovery_code import FEW
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.openapi import Endpoint, Operation
from tessera_shared.translatable import N_

PATH = "/account/security/recovery-codes"
_NO_FACTOR = N_("Recovery codes stand in for a second step at login. Set one up first.")


@dataclass(frozen=True, slots=True)
class RecoveryCodesEndpoint:
    """The page and its button."""

    guard: AccountGuard
    layout: AccountLayout
    factors: Factors

    async def show(self, request: Request) -> Response:
        """GET: how many are left; never the codes themselves."""
        session = await self.guard.enter(request, fresh=True)
        if isinstance(session, Response):
            return session
        return await self._page(request, session)

    async def renew(self, request: Request) -> Response:
        """POST: new codes in place of the old ones, shown this once."""
        # 1. by whom, lately
        session = await self.guard.enter(request, fresh=True)
        if isinstance(session, Response):
            return session
        # 2. from the page that this user was shown in this browser
        sent = await form.body(request)
        if not self.layout.is_own(request, sent, session):
            return await self._page(request, session, STALE, 403)
        # 3. for a user with a factor that they stand in for
        if not await self.factors.has_second(session.sub):
            return await self._page(request, session, _NO_FACTOR, 403)
        codes = await self.factors.renew_codes(request, session.sub)
        return self.layout.page(request, "account_codes.html", session, "security", codes=codes)

    async def _page(
        self, request: Request, session: Session, problem: str | None = None, status: int = 200
    ) -> Response:
        left = await self.factors.verifiers.recovery_codes.left(session.sub)
        return self.layout.page(
            request,
            "account_recovery_codes.html",
            session,
            "security",
            status=status,
            problem=problem,
            left=left,
            few=left <= FEW,
            has_second=await self.factors.has_second(session.sub),
        )

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show, renew = as_page(self.layout.pages, self.show), as_page(self.layout.pages, self.renew)
        return [
            Endpoint(
                PATH,
                (
                    Operation("GET", "Account: recovery codes", show, replies=(PAGE, TO_LOGIN)),
                    Operation("POST", "Make new ones", renew, (CSRF,), (PAGE, TO_LOGIN, NOT_ACCEPTED)),
                ),
            )
        ]

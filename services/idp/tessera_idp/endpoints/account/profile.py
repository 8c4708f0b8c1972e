"""`/account/profile`: what applications may be told of the user (OpenID Connect Core §5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from babel.core import get_global
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import STALE, AccountLayout
from tessera_idp.endpoints.account_changes import AccountChanges
from tessera_idp.endpoints.page_declarations import CSRF, DONE, NOT_ACCEPTED, PAGE, TO_LOGIN
from tessera_idp.protocol.models import Session
from tessera_idp.protocol.profile import FIELDS, as_typed, changed, read_profile
from tessera_idp.store import account_changes
from tessera_shared import clock
from tessera_shared.audit import Event
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.translatable import N_

PATH = "/account/profile"
_NOTICES = {"saved": N_("Your profile is saved."), "email": N_("Your e-mail address is confirmed.")}
_MARKED = N_("Nothing was saved. Look at the marked fields.")


@dataclass(frozen=True, slots=True)
class ProfileEndpoint:
    """The form of the claims."""

    guard: AccountGuard
    layout: AccountLayout
    changes: AccountChanges
    zones: tuple[str, ...] = field(default_factory=lambda: tuple(sorted(get_global("zone_territories"))))

    async def show(self, request: Request) -> Response:
        """GET: the form."""
        session = await self.guard.enter(request)
        if isinstance(session, Response):
            return session
        return await self._page(request, session)

    async def submit(self, request: Request) -> Response:
        """POST: store what was entered, all of it or nothing."""
        # 1. by whom
        session = await self.guard.enter(request)
        if isinstance(session, Response):
            return session
        # 2. from the page that this user was shown in this browser
        sent = await form.body(request)
        typed = {name: sent.get(name) or "" for name in FIELDS}
        if not self.layout.is_own(request, sent, session):
            return await self._page(request, session, typed, STALE, 403)
        # 3. only what the claims may be
        entered = read_profile(typed, self.zones)
        if entered.problems:
            return await self._page(request, session, typed, _MARKED, 400, entered.problems)
        # 4. stored
        async with self.changes.database.transaction() as tx:
            user = await account_changes.lock(tx, session.sub)
            if user is not None:
                claims = changed(user.claims, entered.claims)
                names = sorted(name for name in {*claims, *user.claims} if claims.get(name) != user.claims.get(name))
                await account_changes.set_claims(tx, user.sub, claims, clock.now())
                event = Event("profile.changed", user.sub, details={"claims": names})
                await self.changes.sessions.trail.record_in(tx, request, user.sub, event)
        return RedirectResponse(f"{PATH}?done=saved", 303, NO_STORE)

    async def _page(
        self,
        request: Request,
        session: Session,
        typed: Mapping[str, str] | None = None,
        problem: str | None = None,
        status: int = 200,
        problems: Mapping[str, str] | None = None,
    ) -> Response:
        user = await self.changes.users.find(session.sub)
        claims = {} if user is None else user.claims
        return self.layout.page(
            request,
            "account_profile.html",
            session,
            "profile",
            status=status,
            problem=problem,
            notice=_NOTICES.get(request.query_params.get("done", "")),
            typed=as_typed(claims) if typed is None else typed,
            problems=problems or {},
            zones=self.zones,
            email=claims.get("email"),
            email_verified=claims.get("email_verified") is True,
        )

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show, submit = as_page(self.layout.pages, self.show), as_page(self.layout.pages, self.submit)
        typed = (CSRF, *(Parameter(name, f"The claim {name}") for name in FIELDS))
        return [
            Endpoint(
                PATH,
                (
                    Operation("GET", "Account: profile", show, (DONE,), (PAGE, TO_LOGIN)),
                    Operation("POST", "Change the profile", submit, typed, (TO_LOGIN, NOT_ACCEPTED)),
                ),
            )
        ]

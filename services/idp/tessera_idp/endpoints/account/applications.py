"""`/account/applications`: what the user allowed to whom, and how to withdraw it."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.account.guard import AccountGuard
from tessera_idp.endpoints.account.layout import STALE, AccountLayout
from tessera_idp.endpoints.browser import Sessions
from tessera_idp.endpoints.page_declarations import CSRF, DONE, NOT_ACCEPTED, PAGE, TO_LOGIN
from tessera_idp.protocol.models import Session
from tessera_idp.protocol.page_policy import displayed, logo_sources
from tessera_idp.protocol.scope_description import describe
from tessera_idp.store.access_tokens import revocation_lifetime
from tessera_idp.store.account import AccountStore, Application
from tessera_shared import clock, logging
from tessera_shared.audit import Event
from tessera_shared.errors import OAuthError
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Parameter
from tessera_shared.translatable import N_
from tessera_shared.uri import with_parameters

_PATH = "/account/applications"
_WITHDRAWN = N_("The application can no longer use your account.")


@dataclass(frozen=True, slots=True)
class ApplicationsEndpoint:
    """The list of applications and its buttons."""

    guard: AccountGuard
    layout: AccountLayout
    sessions: Sessions
    store: AccountStore

    async def show(self, request: Request) -> Response:
        """GET: the list."""
        session = await self.guard.enter(request)
        if isinstance(session, Response):
            return session
        return await self._page(request, session)

    async def submit(self, request: Request) -> Response:
        """POST: withdraw what one application was allowed; all its tokens are dead at once."""
        # 1. by whom
        session = await self.guard.enter(request)
        if isinstance(session, Response):
            return session
        # 2. from the page that this user was shown in this browser
        sent = await form.body(request)
        if not self.layout.is_own(request, sent, session):
            return await self._page(request, session, STALE, 403)
        # 3. whose
        client_id = sent.get("client_id")
        if client_id is None:
            raise OAuthError("invalid_request", "The form does not say which application.", expected="client_id")
        names = {one.client.client_id: one.client.name for one in await self.store.applications(session.sub)}
        if client_id not in names:  # withdrawn already, in another tab
            return RedirectResponse(_PATH, 303, NO_STORE)
        # 4. durably first, then announced
        now = clock.now()
        until = now + await revocation_lifetime(self.sessions.database)
        revoked = await self.store.withdraw(session.sub, client_id, until)
        await self.sessions.announce(revoked, now)
        withdrawn = Event("consent.withdrawn", client_id, details={"name": names[client_id]})
        await self.sessions.trail.record(request, session.sub, withdrawn)
        logging.get().info("consent withdrawn", sub=session.sub, client_id=client_id, revoked_grants=len(revoked))
        return RedirectResponse(f"{_PATH}?done=withdrawn", 303, NO_STORE)

    async def _page(
        self, request: Request, session: Session, problem: str | None = None, status: int = 200
    ) -> Response:
        found = await self.store.applications(session.sub)
        shown = [(one, displayed(one.client)) for one in found]
        return self.layout.page(
            request,
            "account_applications.html",
            session,
            "applications",
            status=status,
            problem=problem,
            image_sources=sorted({source for _, client in shown for source in logo_sources(client)}),
            notice=_WITHDRAWN if request.query_params.get("done") == "withdrawn" else None,
            applications=[
                (one, client, describe([line.scope for line in one.described], one.described), self._start(one))
                for one, client in shown
            ],
        )

    def _start(self, one: Application) -> str | None:
        """Where the user goes to log in at the application; it makes the request (OpenID Connect Core §4)."""
        uri = one.initiate_login_uri
        return None if uri is None else with_parameters(uri, [("iss", self.guard.handover.issuer)])

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        show, submit = as_page(self.layout.pages, self.show), as_page(self.layout.pages, self.submit)
        sent = (CSRF, Parameter("client_id", "Which application", required=True))
        return [
            Endpoint(
                _PATH,
                (
                    Operation("GET", "Account: applications", show, (DONE,), (PAGE, TO_LOGIN)),
                    Operation("POST", "Withdraw what was allowed", submit, sent, (TO_LOGIN, NOT_ACCEPTED)),
                ),
            )
        ]

"""authz's way to the identity provider: what is missing, for which client and scope, sealed for the idp."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from tessera_authz.protocol.authorization_request import AuthorizationRequest
from tessera_authz.protocol.client import Client
from tessera_authz.protocol.next_step import Consent, Login
from tessera_authz.protocol.registered_uri import host_of
from tessera_authz.store.scopes import ScopeDirectory, ScopeEntry
from tessera_shared import handoff
from tessera_shared.handoff import Ask, ClientDisplay, ScopeDescription
from tessera_shared.http.headers import NO_STORE
from tessera_shared.keystore.live import LiveRing
from tessera_shared.scope import Scope
from tessera_shared.uri import origin

_DETAILED = 20
"""How many scopes are described in detail: the ask travels in an address, whose length is bounded."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """Sends browsers to the identity provider."""

    idp_url: str
    ring: LiveRing
    scopes: ScopeDirectory

    async def to_idp(
        self, request: AuthorizationRequest, client: Client, missing: Login | Consent, step: str, now: datetime
    ) -> Response:
        """Redirect to the page where the user gives what is missing."""
        authentication = missing.authentication if isinstance(missing, Consent) else None
        ask = Ask(
            step=step,
            want="login" if isinstance(missing, Login) else "consent",
            client=_display(client),
            scope=request.consent_scope,
            redirect_origin=origin(request.redirect_uri),
            silent=request.is_silent,
            authenticated_after=request.authenticated_after,
            login_hint=request.login_hint,
            ui_locales=request.ui_locales,
            sub=authentication.sub if authentication else request.expected_sub,
            sid=authentication.sid if authentication else None,
            described=_describe(request.consent_scope, await self.scopes.all()) if authentication else (),
            acr=request.acr,
            acr_essential=request.acr_essential,
            select_account=request.selects_account,
        )
        sealed = handoff.seal_ask(ask, self.ring.current.active("enc", "A256GCM", now), now)
        return RedirectResponse(f"{self.idp_url}/oidc/v1/{ask.want}?{urlencode({'ask': sealed})}", 303, NO_STORE)


def _describe(scope: Scope, entries: Sequence[ScopeEntry]) -> tuple[ScopeDescription, ...]:
    lines = [ScopeDescription(e.name, e.title, e.detail) for e in entries if e.name in scope]
    return tuple(line if len(lines) <= _DETAILED else replace(line, detail="") for line in lines)


def _display(client: Client) -> ClientDisplay:
    return ClientDisplay(
        client_id=client.client_id,
        name=client.client_name,
        uri=client.client_uri,
        logo_uri=client.logo_uri,
        policy_uri=client.policy_uri,
        tos_uri=client.tos_uri,
        host=host_of(client.client_id) or None,
    )

"""client_credentials (RFC 6749 §4.4): a confidential client acts for itself. Nothing is read, nothing is written."""

from dataclasses import dataclass

from tessera_authz.grants.grant import Circumstances, GrantType
from tessera_authz.protocol import resource as resources
from tessera_authz.protocol.client import AuthenticatedClient
from tessera_authz.protocol.requested_scope import check_scope, default_scope
from tessera_authz.store.grants import GrantStore
from tessera_authz.tokens.authorization import Authorization, Decision, Refuse
from tessera_shared import scope as scopes
from tessera_shared.errors import OAuthError
from tessera_shared.http.form import Form
from tessera_shared.scope import Scope


@dataclass(frozen=True, slots=True)
class ClientCredentialsRequest:
    """The request: no more than a scope."""

    scope: Scope | None
    resource: tuple[str, ...] = ()


def parse(form: Form) -> ClientCredentialsRequest:
    """RFC 6749 §4.4.2."""
    scope = form.get("scope")
    return ClientCredentialsRequest(None if scope is None else scopes.parse(scope), form.resources)


async def load(_grants: GrantStore, _request: ClientCredentialsRequest) -> None:
    """There is nothing to look up."""


def decide(request: ClientCredentialsRequest, client: AuthenticatedClient, _row: None, at: Circumstances) -> Decision:
    """Issue what the client registered for; never a refresh token (RFC 6749 §4.4.3)."""
    if client.is_public:  # RFC 6749 §4.4: confidential clients only
        return Refuse(
            OAuthError("unauthorized_client", "A public client may not use this grant.", section="RFC 6749 §4.4")
        )
    scope = default_scope(client) if request.scope is None else request.scope
    check_scope(scope, client)
    return Authorization(
        client=client,
        sub=f"client:{client.client_id}",
        scope=scope,
        resource=resources.check(request.resource, at.resources),
        confirmation=at.confirmation,
    )


GRANT = GrantType("client_credentials", parse, load, decide)

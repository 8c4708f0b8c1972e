"""The scope that a client may ask for (RFC 6749 §3.3, OpenID Connect Core §11)."""

from tessera_authz.protocol.client import Client
from tessera_shared import scope as scopes
from tessera_shared.errors import OAuthError
from tessera_shared.scope import Scope


def parse_scope(value: str | None, client: Client, prompt: tuple[str, ...]) -> Scope:
    """The scope of an authorization request.

    Raises:
        OAuthError: invalid_scope.

    """
    scope = scopes.parse(value) if value else default_scope(client)
    check_scope(scope, client)
    if "openid" in scope and "consent" not in prompt:  # OIDC Core §11: offline access needs the user's consent
        scope = tuple(token for token in scope if token != "offline_access")
    return scope


def default_scope(client: Client) -> Scope:
    """The scope of a request that names none (RFC 6749 §3.3): what the client registered, but no OpenID Connect.

    Raises:
        OAuthError: invalid_scope, where that leaves nothing.

    """
    scope = tuple(token for token in client.scope if token not in ("openid", "offline_access"))
    if not scope:
        raise OAuthError(
            "invalid_scope", "The request names no scope, and there is no default.", section="RFC 6749 §3.3"
        )
    return scope


def check_scope(scope: Scope, client: Client) -> None:
    """Refuse a scope that the client did not register for.

    Raises:
        OAuthError: invalid_scope.

    """
    if not scopes.is_within(scope, client.scope):
        raise OAuthError(
            "invalid_scope",
            "The client may not ask for this scope.",
            section="RFC 6749 §3.3",
            expected=scopes.format_scope(client.scope),
            received=scopes.format_scope(scope)[:200],
        )

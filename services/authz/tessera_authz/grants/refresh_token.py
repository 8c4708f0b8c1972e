"""refresh_token (RFC 6749 §6): rotated at each use, unless a confidential client's setting says otherwise.

A retry within the grace period repeats the answer; later reuse revokes the whole family (RFC 9700 §4.14.2).
"""

from dataclasses import dataclass, field

from tessera_authz.grants.grant import Circumstances, GrantType
from tessera_authz.protocol import resource as resources
from tessera_authz.protocol.client import AuthenticatedClient
from tessera_authz.protocol.models import RefreshToken
from tessera_authz.store.grants import GrantStore
from tessera_authz.tokens import opaque
from tessera_authz.tokens.authorization import Authorization, Decision, Refuse, Repeat
from tessera_shared import scope as scopes
from tessera_shared.errors import OAuthError
from tessera_shared.http.form import Form
from tessera_shared.scope import Scope


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """The request (RFC 6749 §6)."""

    refresh_token: str = field(repr=False)
    scope: Scope | None
    resource: tuple[str, ...] = ()


def parse(form: Form) -> RefreshRequest:
    """Read the form."""
    scope = form.get("scope")
    token = form.require("refresh_token", "RFC 6749 §6")
    return RefreshRequest(token, None if scope is None else scopes.parse(scope), form.resources)


async def load(grants: GrantStore, request: RefreshRequest) -> RefreshToken | None:
    """Find the refresh token by its hash."""
    return await grants.find_refresh_token(opaque.digest(request.refresh_token))


def decide(
    request: RefreshRequest, client: AuthenticatedClient, token: RefreshToken | None, at: Circumstances
) -> Decision:
    """The rules of RFC 6749 §6 and RFC 9700 §4.14.2."""
    if token is None:
        return _refuse("an issued refresh token", "an unknown one")
    if token.grant.client_id != client.client_id:
        return _refuse("a refresh token of this client", "another client's")
    if token.grant.revoked_at is not None:
        return _refuse("a refresh token of a live grant", "a revoked grant's")
    if token.dpop_jkt not in (None, at.confirmation.jkt):
        return _refuse("a proof by the key that the token is bound to", "none or another", section="RFC 9449 §5")
    if token.x5t_s256 not in (None, at.confirmation.x5t_s256):
        return _refuse("the certificate that the token is bound to", "none or another", section="RFC 8705 §4")
    if token.consumed_at is not None:
        if token.answer is not None and at.now <= token.consumed_at + at.refresh_grace:
            return Repeat(token.answer)
        return _refuse("the newest refresh token", "a rotated one", revoke=token.grant.id)
    if token.expires_at <= at.now:
        return _refuse(f"before {token.expires_at.isoformat()}", at.now.isoformat())
    scope = _scope(request, client, token)
    if isinstance(scope, Refuse):
        return scope
    return Authorization(
        client=client,
        sub=token.grant.sub,
        scope=scope,
        grant=token.grant,
        consumes=token,
        resource=resources.narrow(resources.check(request.resource, at.resources), token.grant.resource),
        confirmation=at.confirmation,
        with_refresh_token=client.rotates_refresh_tokens,
        refresh_scope=token.scope,
        refresh_jkt=token.dpop_jkt,
        refresh_x5t_s256=token.x5t_s256,
    )


def _scope(request: RefreshRequest, client: AuthenticatedClient, token: RefreshToken) -> Scope | Refuse:
    """What was granted, or less of it (RFC 6749 §6); never what was taken from the client since, or is gone."""
    granted = scopes.limited(token.scope, client.scope)
    if token.scope and not granted:
        return _refuse("a scope that the client may have", "none of it is left")
    scope = granted if request.scope is None else request.scope
    if scopes.is_within(scope, granted):
        return scope
    return Refuse(
        OAuthError(
            "invalid_scope",
            "The scope goes beyond what was granted.",
            section="RFC 6749 §6",
            expected=scopes.format_scope(granted),
            received=scopes.format_scope(scope)[:200],
        )
    )


def _refuse(expected: str, received: str, *, section: str = "RFC 6749 §5.2", revoke: str | None = None) -> Refuse:
    error = OAuthError(
        "invalid_grant",
        "The refresh token is not valid, or was not issued to this client.",
        section=section,
        expected=expected,
        received=received,
    )
    return Refuse(error, revoke)


GRANT = GrantType("refresh_token", parse, load, decide, lambda request: request.refresh_token)

"""authorization_code (OAuth 2.1 §4.1.3): a code, once, by the client it was issued to, with its PKCE verifier."""

from dataclasses import dataclass, field

from tessera_authz.grants.grant import Circumstances, GrantType
from tessera_authz.protocol import pkce
from tessera_authz.protocol import resource as resources
from tessera_authz.protocol.client import AuthenticatedClient
from tessera_authz.protocol.models import AuthorizationCode
from tessera_authz.store.grants import GrantStore
from tessera_authz.tokens import opaque
from tessera_authz.tokens.authorization import Authorization, Decision, Refuse
from tessera_shared import scope as scopes
from tessera_shared.errors import OAuthError
from tessera_shared.http.form import Form


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """The request (RFC 6749 §4.1.3, RFC 7636 §4.5)."""

    code: str = field(repr=False)
    redirect_uri: str | None
    code_verifier: str | None = field(repr=False)
    resource: tuple[str, ...] = ()


def parse(form: Form) -> CodeRequest:
    """Read the form."""
    code = form.require("code", "RFC 6749 §4.1.3")
    return CodeRequest(code, form.get("redirect_uri"), form.get("code_verifier"), form.resources)


async def load(grants: GrantStore, request: CodeRequest) -> AuthorizationCode | None:
    """Find the code by its hash."""
    return await grants.find_code(opaque.digest(request.code))


def decide(
    request: CodeRequest, client: AuthenticatedClient, code: AuthorizationCode | None, at: Circumstances
) -> Decision:
    """The rules of OAuth 2.1 §4.1.3, the ones that protect others first."""
    if code is None:
        return _refuse("an issued code", "an unknown one")
    if code.grant.client_id != client.client_id:
        return _refuse("a code of this client", "another client's")
    if code.consumed_at is not None:  # RFC 6749 §4.1.2: what came of the first use is revoked
        return _refuse("an unused code", "a used one", revoke=code.grant.id)
    if code.grant.revoked_at is not None:
        return _refuse("a code of a live grant", "a revoked grant's")
    if code.expires_at <= at.now:
        return _refuse(f"before {code.expires_at.isoformat()}", at.now.isoformat())
    # OAuth 2.1 dropped the parameter, since PKCE does more; where it is sent, or all there is (OpenID Connect Core
    # §3.1.3.1), it must be the same
    optional = (None,) if code.code_challenge is not None else ()
    if request.redirect_uri not in (*optional, code.redirect_uri):
        return _refuse("the redirect_uri of the authorization request", "another one", section="RFC 6749 §4.1.3")
    if not pkce.verifies(request.code_verifier, code.code_challenge):
        return _refuse("the verifier of the code_challenge", "none or another", section="RFC 7636 §4.6")
    if code.dpop_jkt not in (None, at.confirmation.jkt):
        return _refuse("a proof by the key of dpop_jkt", "none or another", section="RFC 9449 §10")
    return Authorization(
        client=client,
        sub=code.grant.sub,
        scope=scopes.limited(code.grant.scope, client.scope),
        resource=resources.narrow(resources.check(request.resource, at.resources), code.grant.resource),
        confirmation=at.confirmation,
        grant=code.grant,
        consumes=code,
        with_refresh_token="refresh_token" in client.grant_types,
        refresh_scope=code.grant.scope,
        refresh_jkt=at.confirmation.jkt if client.is_public else None,
        refresh_x5t_s256=at.confirmation.x5t_s256 if client.is_public else None,
    )


def _refuse(expected: str, received: str, *, section: str = "RFC 6749 §5.2", revoke: str | None = None) -> Refuse:
    error = OAuthError(
        "invalid_grant",
        "The authorization code is not valid, or was not issued for this request.",
        section=section,
        expected=expected,
        received=received,
    )
    return Refuse(error, revoke)


GRANT = GrantType("authorization_code", parse, load, decide)

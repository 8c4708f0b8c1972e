"""Token revocation (RFC 7009)."""

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from tessera_authz.client_auth import ClientAuthenticator
from tessera_authz.endpoints.actor import actor
from tessera_authz.endpoints.client_parameters import CLIENT_PARAMETERS, CLIENT_SECURITY, TOO_MANY
from tessera_authz.endpoints.presented_token import TokenFinder
from tessera_authz.protocol.client import AuthenticatedClient
from tessera_authz.protocol.models import RefreshToken
from tessera_authz.tokens.revoke import GrantRevoker
from tessera_shared import clock
from tessera_shared.errors import OAuthError
from tessera_shared.http import form as forms
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, OAuthErrorBody, Operation, Parameter, Reply
from tessera_shared.jose.jwt import InvalidToken


@dataclass(frozen=True, slots=True)
class RevocationEndpoint:
    """Serves revocation requests."""

    authenticator: ClientAuthenticator
    finder: TokenFinder
    revoker: GrantRevoker

    async def revoke(self, request: Request) -> Response:
        """Answer a revocation request: 200 also for a token that is not valid (RFC 7009 §2.2)."""
        # 1. parse the form
        form = await forms.body(request)
        form.refuse_repeated()
        # 2. authenticate the client
        now = clock.now()
        client = await self.authenticator.authenticate(request, form, now)
        # 3. find out what the token is, and whose
        match await self.finder.find(form.require("token", "RFC 7009 §2.1"), now):
            # 4. revoke: a refresh token with its whole grant (RFC 7009 §2.1), an access token alone
            case RefreshToken() as token:
                _check_owner(token.grant.client_id, client)
                by = actor(request, f"client:{client.client_id}")
                await self.revoker.revoke(token.grant.id, "refresh token revoked", by)
            case InvalidToken():
                pass
            case claims:
                _check_owner(claims["client_id"], client)
                expires_at = datetime.fromtimestamp(claims["exp"], UTC)
                await self.revoker.revoke_access_token(claims["jti"], expires_at)
        # 5. answer
        return Response(status_code=200, headers=NO_STORE)

    def endpoint(self) -> Endpoint:
        """Its declaration."""
        operation = Operation(
            "POST",
            "Revoke a token",
            self.revoke,
            parameters=(
                Parameter("token", "The access or refresh token", required=True),
                Parameter("token_type_hint", "Not needed: a token's form tells its type"),
                *CLIENT_PARAMETERS,
            ),
            replies=(
                Reply(200, "It is not valid any more, or never was"),
                Reply(400, "invalid_request; invalid_grant for another client's token", OAuthErrorBody),
                Reply(401, "invalid_client", OAuthErrorBody, headers=("WWW-Authenticate",)),
                Reply(413, "The body is too large", OAuthErrorBody),
                Reply(415, "Not urlencoded", OAuthErrorBody),
                TOO_MANY,
            ),
            security=CLIENT_SECURITY,
            section="RFC 7009 §2",
        )
        return Endpoint("/oauth2/v1/revoke", (operation,), aliases=("/oauth/revoke",))


def _check_owner(client_id: str, client: AuthenticatedClient) -> None:
    """RFC 7009 §2.1: another client's token is refused."""
    if client_id != client.client_id:
        raise OAuthError(
            "invalid_grant",
            "The token was not issued to this client.",
            section="RFC 7009 §2.1",
            expected=f"a token of {client.client_id}",
            received="another client's",
        )

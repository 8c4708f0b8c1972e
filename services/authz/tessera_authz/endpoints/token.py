"""The token endpoint (RFC 6749 §3.2): seven steps that every grant type shares."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from tessera_authz.client_auth import ClientAuthenticator
from tessera_authz.endpoints.actor import actor
from tessera_authz.endpoints.client_parameters import CLIENT_PARAMETERS, CLIENT_SECURITY, DPOP_PARAMETER, TOO_MANY
from tessera_authz.endpoints.possession import Possession
from tessera_authz.grants import GRANTS
from tessera_authz.grants.grant import Circumstances, GrantType
from tessera_authz.protocol.client import AuthenticatedClient
from tessera_authz.store.grants import GrantStore
from tessera_authz.tokens import opaque
from tessera_authz.tokens.authorization import Authorization, Refuse, Repeat
from tessera_authz.tokens.issue import TokenAnswer, TokenIssuer
from tessera_authz.tokens.revoke import GrantRevoker
from tessera_shared import clock, logging
from tessera_shared.errors import OAuthError
from tessera_shared.http import form as forms
from tessera_shared.http.form import Form
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, OAuthErrorBody, Operation, Parameter, Reply

TOKEN_PATH = "/oauth2/v1/token"
_ROUNDS = 3
"""A request that lost the race for a code or token is decided again, on what the winner left."""


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Serves token requests."""

    authenticator: ClientAuthenticator
    possession: Possession
    grants: GrantStore
    issuer: TokenIssuer
    revoker: GrantRevoker
    refresh_grace: timedelta
    resources: tuple[str, ...]
    issued: Counter

    async def token(self, request: Request) -> Response:
        """Answer a token request (RFC 6749 §4.1.3, §4.4.2, §6)."""
        # 1. parse the form
        form = await forms.body(request)
        form.refuse_repeated()
        # 2. authenticate the client, and see what it holds
        started = clock.now()
        client = await self.authenticator.authenticate(request, form, started)
        confirmation = await self.possession.confirm(request, client, started)
        # 3. choose the grant type, and parse its parameters
        grant_type = _grant_type(form, client)
        parsed = grant_type.parse(form)
        for _round in range(_ROUNDS):
            # 4. load what the request refers to
            row = await grant_type.load(self.grants, parsed)
            # 5. decide
            now = clock.now()
            decision = grant_type.decide(
                parsed, client, row, Circumstances(now, self.refresh_grace, confirmation, self.resources)
            )
            # 6. sign, consume and store, or refuse, or repeat
            match decision:
                case Authorization():
                    answer = await self.issuer.issue(decision, grant_type.presented(parsed), now)
                case Repeat(sealed):
                    answer = opaque.unseal_answer(grant_type.presented(parsed) or "", sealed)
                case Refuse(error, revoke):
                    if revoke is not None:  # committed before the error is answered
                        by = actor(request, f"client:{client.client_id}")
                        await self.revoker.revoke(revoke, "used twice", by)
                    raise error
            # 7. answer
            if answer is not None:
                self._note(grant_type, client, repeated=isinstance(decision, Repeat))
                return Response(answer, headers=NO_STORE, media_type="application/json")
        raise OAuthError("invalid_grant", "The grant was used by another request.", section="RFC 6749 §5.2")

    def _note(self, grant_type: GrantType[Any, Any], client: AuthenticatedClient, *, repeated: bool) -> None:
        name = grant_type.grant_type
        logging.get().info("tokens issued", grant_type=name, client_id=client.client_id, repeated=repeated)
        self.issued.labels(name, "repeated" if repeated else "issued").inc()

    def endpoint(self) -> Endpoint:
        """Its declaration."""
        operation = Operation(
            "POST",
            "Get tokens",
            self.token,
            parameters=(
                Parameter("grant_type", "What the request presents", required=True, values=tuple(GRANTS)),
                Parameter("code", "authorization_code: the code"),
                Parameter("redirect_uri", "authorization_code: the redirect URI of the authorization request"),
                Parameter("code_verifier", "authorization_code: the PKCE verifier (RFC 7636)"),
                Parameter("refresh_token", "refresh_token: the token"),
                Parameter("resource", "The protected resource the token is for; may be repeated (RFC 8707)"),
                Parameter("scope", "client_credentials, refresh_token: the scope, space-delimited"),
                *CLIENT_PARAMETERS,
                DPOP_PARAMETER,
            ),
            replies=(
                Reply(200, "The tokens", TokenAnswer, headers=("DPoP-Nonce",)),
                Reply(400, "invalid_request, invalid_grant, invalid_scope, unauthorized_client …", OAuthErrorBody),
                Reply(401, "invalid_client", OAuthErrorBody, headers=("WWW-Authenticate",)),
                Reply(413, "The body is too large", OAuthErrorBody),
                Reply(415, "Not urlencoded", OAuthErrorBody),
                TOO_MANY,
            ),
            security=CLIENT_SECURITY,
            section="RFC 6749 §3.2",
        )
        return Endpoint(TOKEN_PATH, (operation,), aliases=("/oauth/token",))


def _grant_type(form: Form, client: AuthenticatedClient) -> GrantType[Any, Any]:
    value = form.require("grant_type", "RFC 6749 §4.1.3")
    grant_type = GRANTS.get(value)
    if grant_type is None:
        raise OAuthError(
            "unsupported_grant_type",
            "The grant_type is not supported.",
            section="RFC 6749 §5.2",
            expected=", ".join(GRANTS),
            received=value[:80],
        )
    if value not in client.grant_types:
        raise OAuthError(
            "unauthorized_client",
            "The client did not register for this grant_type.",
            section="RFC 6749 §5.2",
            expected=", ".join(client.grant_types),
            received=value,
        )
    return grant_type

"""Token introspection (RFC 7662)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired

import orjson
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from tessera_authz.client_auth import ClientAuthenticator
from tessera_authz.endpoints.client_parameters import CLIENT_PARAMETERS, CLIENT_SECURITY, TOO_MANY
from tessera_authz.endpoints.presented_token import Presented, TokenFinder
from tessera_authz.protocol.client import AuthenticatedClient
from tessera_authz.protocol.models import RefreshToken
from tessera_authz.store.clients import ClientDirectory
from tessera_shared import clock, logging
from tessera_shared.clock import seconds
from tessera_shared.http import form as forms
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, OAuthErrorBody, Operation, Parameter, Reply
from tessera_shared.jose.jwt import InvalidToken
from tessera_shared.pairwise import Subjects
from tessera_shared.scope import format_scope

_TOLD = ("iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti", "auth_time", "acr", "cnf")


class IntrospectionAnswer(TypedDict):
    """RFC 7662 §2.2; nothing but `active` for a token that is not valid."""

    active: bool
    token_type: NotRequired[str]
    iss: NotRequired[str]
    sub: NotRequired[str]
    aud: NotRequired[str]
    client_id: NotRequired[str]
    scope: NotRequired[str]
    exp: NotRequired[int]
    iat: NotRequired[int]
    jti: NotRequired[str]
    auth_time: NotRequired[int]
    acr: NotRequired[str]
    cnf: NotRequired[dict[str, str]]


@dataclass(frozen=True, slots=True)
class IntrospectionEndpoint:
    """Serves introspection requests."""

    authenticator: ClientAuthenticator
    directory: ClientDirectory
    finder: TokenFinder
    subjects: Subjects
    issuer: str

    async def introspect(self, request: Request) -> Response:
        """Answer an introspection request."""
        # 1. parse the form
        form = await forms.body(request)
        form.refuse_repeated()
        # 2. authenticate the client; a name alone is not enough (RFC 7662 §2.1)
        now = clock.now()
        client = await self.authenticator.authenticate_confidential(request, form, now)
        # 3. find out what the token is
        presented = await self.finder.find(form.require("token", "RFC 7662 §2.1"), now)
        # 4. answer
        answer = await self._answer(presented, client, now)
        return Response(orjson.dumps(answer), headers=NO_STORE, media_type="application/json")

    async def _answer(self, presented: Presented, client: AuthenticatedClient, now: datetime) -> dict[str, Any]:
        match presented:
            case RefreshToken():
                # a refresh token concerns nobody but the client it was issued to
                live = presented.grant.client_id == client.client_id and _is_live(presented, now)
                return self._describe(presented, client) if live else {"active": False}
            case InvalidToken():
                _log_inactive(presented)
                return {"active": False}
            case _:
                if await self.directory.find_known(presented["client_id"]) is None:
                    return {"active": False}
                told = {name: presented[name] for name in _TOLD if name in presented}
                is_dpop = "jkt" in presented.get("cnf", ())  # RFC 9449 §5; a token bound to a certificate is Bearer
                return {"active": True, "token_type": "DPoP" if is_dpop else "Bearer", **told}

    def _describe(self, token: RefreshToken, client: AuthenticatedClient) -> dict[str, Any]:
        return {
            "active": True,
            "iss": self.issuer,
            "sub": self.subjects.told(token.grant.sub, client.sector),
            "client_id": token.grant.client_id,
            "scope": format_scope(token.scope),
            "exp": seconds(token.expires_at),
            "iat": seconds(token.created_at),
        }

    def endpoint(self) -> Endpoint:
        """Its declaration."""
        operation = Operation(
            "POST",
            "Ask about a token",
            self.introspect,
            parameters=(
                Parameter("token", "The access or refresh token", required=True),
                Parameter("token_type_hint", "Not needed: a token's form tells its type"),
                *CLIENT_PARAMETERS,
            ),
            replies=(
                Reply(200, "What is known of it; only `active: false` if it is not valid", IntrospectionAnswer),
                Reply(400, "invalid_request", OAuthErrorBody),
                Reply(401, "invalid_client", OAuthErrorBody, headers=("WWW-Authenticate",)),
                Reply(413, "The body is too large", OAuthErrorBody),
                Reply(415, "Not urlencoded", OAuthErrorBody),
                TOO_MANY,
            ),
            security=CLIENT_SECURITY,
            section="RFC 7662 §2",
        )
        return Endpoint("/oauth2/v1/introspect", (operation,), aliases=("/oauth/introspect",))


def _is_live(token: RefreshToken, now: datetime) -> bool:
    return token.consumed_at is None and token.grant.revoked_at is None and now < token.expires_at


def _log_inactive(error: InvalidToken) -> None:
    logging.get().info(
        "inactive token", check=error.check, section=error.section, expected=error.expected, received=error.received
    )

"""The pushed authorization request endpoint (RFC 9126)."""

from dataclasses import dataclass
from datetime import timedelta

import orjson
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from tessera_authz.client_auth import ClientAuthenticator
from tessera_authz.endpoints.client_parameters import CLIENT_PARAMETERS, CLIENT_SECURITY, DPOP_PARAMETER, TOO_MANY
from tessera_authz.endpoints.possession import Possession
from tessera_authz.endpoints.request_reader import REQUEST_URI_PREFIX, RequestReader
from tessera_authz.limits import Limits
from tessera_authz.protocol.authorization_request import bind_to_key
from tessera_authz.store.pushed_requests import PushedRequestStore
from tessera_authz.tokens import opaque
from tessera_shared import clock
from tessera_shared.http import form as forms
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, OAuthErrorBody, Operation, Parameter, Reply

_NOT_HERE = ("request_uri", "client_id")


class PushedAnswer(TypedDict):
    """RFC 9126 §2.2."""

    request_uri: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class PushedRequestEndpoint:
    """Takes authorization requests over the back channel."""

    authenticator: ClientAuthenticator
    limits: Limits
    possession: Possession
    reader: RequestReader
    pushed: PushedRequestStore
    lifetime: timedelta

    async def push(self, request: Request) -> Response:
        """Answer a push."""
        # 1. parse the form
        form = await forms.body(request)
        form.refuse_repeated("RFC 9126 §2.1")
        # 2. authenticate the client
        now = clock.now()
        client = await self.authenticator.authenticate(request, form, now)
        # 3. check the request, as the authorization endpoint would
        checked = await self.reader.check_pushed(form, client, now)
        # 4. bind its code to the key of a DPoP proof
        bound = bind_to_key(checked.request, await self.possession.proven_key(request, client, now))
        # 5. store it under a new request_uri
        address = request.state.client_address
        await self.limits.count_pushed_request(client.client_id, address, is_public=client.is_public)
        request_uri = REQUEST_URI_PREFIX + opaque.new()
        await self.pushed.add(opaque.digest(request_uri), bound, now, now + self.lifetime)
        # 6. answer
        answer: PushedAnswer = {"request_uri": request_uri, "expires_in": int(self.lifetime.total_seconds())}
        return Response(orjson.dumps(answer), 201, NO_STORE, "application/json")

    def endpoint(self, parameters: tuple[Parameter, ...]) -> Endpoint:
        """Its declaration; it takes the parameters of the authorization endpoint."""
        operation = Operation(
            "POST",
            "Push an authorization request",
            self.push,
            parameters=(
                *(known for known in parameters if known.name not in _NOT_HERE),
                *CLIENT_PARAMETERS,
                DPOP_PARAMETER,
            ),
            replies=(
                Reply(201, "The request_uri to send the user with", PushedAnswer, headers=("DPoP-Nonce",)),
                Reply(400, "What is wrong with the request", OAuthErrorBody),
                Reply(401, "invalid_client", OAuthErrorBody, headers=("WWW-Authenticate",)),
                Reply(413, "The body is too large", OAuthErrorBody),
                Reply(415, "Not urlencoded", OAuthErrorBody),
                TOO_MANY,
            ),
            security=CLIENT_SECURITY,
            section="RFC 9126 §2",
        )
        return Endpoint("/oauth2/v1/par", (operation,))

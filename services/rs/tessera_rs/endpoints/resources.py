"""The protected resources (RFC 6749 §7)."""

from dataclasses import asdict, dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera_rs.endpoints import challenges
from tessera_rs.protocol.bearer_token import ProtectedResource, Told, is_sufficient, scope_of, tell
from tessera_shared import clock
from tessera_shared.clock import seconds
from tessera_shared.errors import OAuthError
from tessera_shared.http import bearer
from tessera_shared.http.access import Access
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply
from tessera_shared.http.public_url import PublicUrl


@dataclass(frozen=True, slots=True)
class Refusal:
    """The JSON of an error."""

    error: str
    error_description: str


_CHALLENGE = ("WWW-Authenticate", "DPoP-Nonce")
_REPLIES = (
    Reply(200, "The token is valid here.", Told),
    Reply(400, "More than one Authorization header.", Refusal, headers=_CHALLENGE),
    Reply(
        401,
        "No access token, one that is not valid here, or no proof of what it is bound to.",
        Refusal,
        headers=_CHALLENGE,
    ),
    Reply(403, "The token does not have the scope of this resource.", Refusal, headers=_CHALLENGE),
    Reply(503, "Whether the token was revoked cannot be known now.", Refusal, headers=("Retry-After",)),
)


def resource_endpoint(resource: ProtectedResource, access: Access, url: PublicUrl) -> Endpoint:
    """Declare one resource; its challenges point to the metadata (RFC 9728 §5.1)."""

    async def serve(request: Request) -> Response:
        try:
            return await answer(request)
        except OAuthError as error:
            raise challenges.with_metadata(error, url.base(request.scope) + challenges.METADATA_PATH) from error

    async def answer(request: Request) -> Response:
        # 1. The token, from the header only: RFC 9700 §4.3.2 forbids the query string.
        token = bearer.presented_in_header(request)
        if token is None:
            raise bearer.missing()
        # 2. Signature, type, issuer, audience, times (RFC 9068 §4), revocation, and what it is bound to (RFC 7800).
        now = clock.now()
        claims = await access.claims_of(request, token, now)
        # 3. The scope of this resource.
        if not is_sufficient(claims, resource.scope):
            raise bearer.insufficient_scope(resource.scope, scope_of(claims), token.scheme)
        # 4. The login behind the token.
        if resource.step_up is not None and not resource.step_up.is_met(claims, seconds(now)):
            raise challenges.insufficient_user_authentication(resource.step_up, token.scheme)
        # 5. What the token stands for.
        return JSONResponse(asdict(tell(claims)), headers=NO_STORE)

    operation = Operation(
        "GET",
        resource.summary,
        serve,
        parameters=(Parameter("DPoP", "Proof for a token that is bound to a key (RFC 9449)", where="header"),),
        replies=_REPLIES,
        security=("bearer", "dpop"),
        section="RFC 6750 §2.1, RFC 9068 §4, RFC 9449 §7",
    )
    return Endpoint(resource.path, (operation,))

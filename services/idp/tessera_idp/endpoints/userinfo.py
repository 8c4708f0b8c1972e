"""`/oidc/v1/userinfo` (OpenID Connect Core §5.3)."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.userinfo_response import UserinfoResponses
from tessera_idp.protocol.models import User
from tessera_idp.protocol.userinfo import userinfo
from tessera_idp.store.userinfo_clients import UserinfoClientStore
from tessera_idp.store.users import UserStore
from tessera_shared import clock
from tessera_shared.http import bearer
from tessera_shared.http.access import Access
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply, Security
from tessera_shared.jose.jwt import InvalidToken
from tessera_shared.pairwise import Subjects


@dataclass(frozen=True, slots=True)
class UserinfoEndpoint:
    """What the granted scope tells of the user."""

    access: Access
    users: UserStore
    clients: UserinfoClientStore
    subjects: Subjects
    responses: UserinfoResponses

    async def tell(self, request: Request) -> Response:
        """GET or POST, with the token in the header or in the form's body."""
        # 1. the token, and proof of what it is bound to
        token = await bearer.presented_in_header_or_form(request)
        now = clock.now()
        claims = await self.access.claims_of(request, token, now)
        # 2. its scope (§5.3.1)
        scope = str(claims.get("scope", "")).split(" ")
        if "openid" not in scope:
            raise bearer.insufficient_scope(("openid",), " ".join(scope), token.scheme)
        # 3. its client, and its user: a client that acts for itself is none
        told, grant_id = str(claims["sub"]), claims.get("grant_id")
        client = await self.clients.find(str(claims["client_id"]), grant_id)
        try:
            user = await self._user(self.subjects.meant(told, client.sector))
        except InvalidToken as error:
            raise bearer.invalid(error, token.scheme) from error
        # 4. the claims, as the client wants them told
        return await self.responses.respond(userinfo(user, told, scope, client), client, now)

    async def _user(self, sub: str) -> User:
        user = await self.users.find(sub)
        if user is None or user.disabled:
            received = "no user" if user is None else "a disabled user"
            raise InvalidToken("sub", section="OIDC Core §5.3.2", expected="an active user", received=received)
        return user

    def endpoints(self) -> list[Endpoint]:
        """The userinfo endpoint's declaration."""
        replies = (
            Reply(200, "The claims of the granted scope that the user has, those asked for one by one, and sub"),
            Reply(401, "No token, not a valid one, or no proof", headers=("WWW-Authenticate", "DPoP-Nonce")),
            Reply(403, "The token lacks the scope openid", headers=("WWW-Authenticate",)),
            Reply(503, "Whether the token was revoked cannot be known now, or the client's key cannot be had"),
        )
        section, summary = "OpenID Connect Core 1.0 §5.3", "Claims of the user"
        in_form = Parameter("access_token", "The token, where it is not in the header")
        proof = Parameter("DPoP", "Proof for a token that is bound to a key (RFC 9449)", where="header")
        security: tuple[Security, ...] = ("bearer", "dpop")
        return [
            Endpoint(
                "/oidc/v1/userinfo",
                (
                    Operation("GET", summary, self.tell, (proof,), replies, security, section),
                    Operation("POST", summary, self.tell, (in_form, proof), replies, security, section),
                ),
            )
        ]

"""A token presented for introspection or revocation: an access token of ours, a refresh token, or nothing known."""

from dataclasses import dataclass
from datetime import datetime

from tessera_authz.protocol.models import RefreshToken
from tessera_authz.store.grants import GrantStore
from tessera_authz.tokens import opaque
from tessera_shared.access_token import AccessTokenVerifier
from tessera_shared.jose.jwt import InvalidToken, VerifiedClaims

Presented = VerifiedClaims | RefreshToken | InvalidToken


@dataclass(frozen=True, slots=True)
class TokenFinder:
    """Finds out what a token is.

    Its form tells: a JWT has two dots, an opaque token none; token_type_hint is not needed (RFC 7009 §2.1).
    """

    verifier: AccessTokenVerifier
    grants: GrantStore

    async def find(self, token: str, now: datetime) -> Presented:
        """What the token is, or why it is nothing: valid at `now`, for refresh tokens also used ones."""
        if token.count(".") == 2:  # noqa: PLR2004 - the compact serialization's dots
            try:
                return await self.verifier.verify(token, now)
            except InvalidToken as error:
                return error
        found = await self.grants.find_refresh_token(opaque.digest(token))
        return found or InvalidToken("lookup", section="RFC 7662 §2.2", expected="a token of this server")

"""Validation of access tokens (RFC 9068 §4) with revocation, remembered per token until something changes."""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from tessera_shared.clock import seconds
from tessera_shared.errors import Unavailable
from tessera_shared.jose.jwt import Expectation, InvalidToken, VerifiedClaims, verify
from tessera_shared.jose.keys import FollowedKeys
from tessera_shared.revocation.view import RevocationView

TYP = "at+jwt"
REQUIRED = ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")
"""RFC 9068 §2.2."""
MOST_SECONDS = 86_400
"""The longest that an access token may live: a day."""

_CACHE_SIZE = 10_000

Fallback = Callable[[str, VerifiedClaims], Awaitable[bool]]
"""Whether a token may be accepted although revocations cannot be known here; `refuse` or introspection."""


class RevocationUnknown(Exception):  # noqa: N818 - says what is the case
    """Neither the stream nor the database answers, so whether the token was revoked cannot be known."""


async def refuse(_token: str, _claims: VerifiedClaims) -> bool:
    """The default fallback.

    Raises:
        RevocationUnknown: Always.

    """
    raise RevocationUnknown


@dataclass(frozen=True, slots=True)
class _Remembered:
    claims: VerifiedClaims
    expires_at: int
    generation: int


class AccessTokenVerifier:
    """Accepts what the issuer signed for this audience, while it lasts and is not revoked.

    No network call in the normal case: keys and revocations are followed in the background.
    """

    def __init__(
        self, keys: FollowedKeys, revocations: RevocationView, expectation: Expectation, fallback: Fallback = refuse
    ) -> None:
        self._keys = keys
        self._revocations = revocations
        self._expectation = expectation
        self._fallback = fallback
        self._remembered: dict[bytes, _Remembered] = {}

    async def verify(self, token: str, now: datetime) -> VerifiedClaims:
        """The token's claims.

        Raises:
            InvalidToken: Names the check that failed.
            RevocationUnknown: The fallback refused.

        """
        claims = await self._verify_once(token, now)
        if await self._is_revoked(claims):
            raise InvalidToken("revocation", section="RFC 7009 §2", expected="not revoked", received="revoked")
        if not self._revocations.is_current() and not await self._fallback(token, claims):
            raise InvalidToken("introspection", section="RFC 7662 §2.2", expected="active", received="inactive")
        return claims

    async def _is_revoked(self, claims: VerifiedClaims) -> bool:
        """By the view; while announcements do not arrive there, by the database too, if it answers."""
        if self._revocations.is_revoked(claims):
            return True
        if self._revocations.is_following():
            return False
        with contextlib.suppress(Unavailable):  # whether the view may be relied on is the caller's next question
            return await self._revocations.is_listed(claims)
        return False

    async def _verify_once(self, token: str, now: datetime) -> VerifiedClaims:
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        found = self._remembered.get(digest)
        tolerance = self._expectation.tolerance.total_seconds()
        if found and found.generation == self._keys.generation and seconds(now) < found.expires_at + tolerance:
            return found.claims
        claims = await verify(token, self._keys, self._expectation, now)
        if len(self._remembered) >= _CACHE_SIZE:
            self._remembered.clear()
        self._remembered[digest] = _Remembered(claims, int(claims["exp"]), self._keys.generation)
        return claims

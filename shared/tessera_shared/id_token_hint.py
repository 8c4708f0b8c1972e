"""id_token_hint (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2): an ID token that names a user."""

from datetime import datetime, timedelta

from tessera_shared.jose.algorithms import ASYMMETRIC_SIGNING
from tessera_shared.jose.jwt import Expectation, VerifiedClaims
from tessera_shared.jose.jwt import verify as verify_jwt
from tessera_shared.jose.keys import KeySource

_ANY_AGE = timedelta(days=36_500)
"""RP-Initiated Logout §4: an ID token that has expired is accepted."""
_REQUIRED = ("iss", "sub", "aud", "exp", "iat")
"""OpenID Connect Core §2."""


async def verify(token: str, keys: KeySource, issuer: str, client_id: str, now: datetime) -> VerifiedClaims:
    """The claims of an ID token that this issuer once told this client.

    Raises:
        InvalidToken: It is none.

    """
    expectation = Expectation("jwt", ASYMMETRIC_SIGNING, issuer, (client_id,), _REQUIRED, _ANY_AGE)
    return await verify_jwt(token, keys, expectation, now)

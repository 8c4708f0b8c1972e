"""Signing with the key ring: which key, for which algorithm."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tessera_shared.jose.jwt import mint
from tessera_shared.keystore.live import LiveRing


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with the ring's active key of an algorithm.

    Attributes:
        ring: Where the keys are.
        access_token_alg: For access tokens.
        default_alg: For everything a client could have registered an algorithm for and did not.

    """

    ring: LiveRing
    access_token_alg: str
    default_alg: str

    def sign(self, claims: Mapping[str, Any], *, typ: str, alg: str | None, now: datetime) -> str:
        """A compact JWS of the claims, by `alg` or the default.

        Raises:
            NoSuchKey: The ring holds no active key of that algorithm.

        """
        key = self.ring.current.active("sig", alg or self.default_alg, now)
        return mint(claims, key=key.key, kid=key.kid, alg=key.alg, typ=typ)

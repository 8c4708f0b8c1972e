"""ID tokens (OpenID Connect Core §2): what every client gets, and nothing nobody asked for."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tessera_authz.protocol.models import Grant
from tessera_shared.clock import seconds
from tessera_shared.jose.algorithms import ALGORITHMS

TYP = "JWT"
CLAIMS = ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid")


def claims(
    grant: Grant, issuer: str, lifetime: timedelta, now: datetime, *, at_hash: str, nonce: str | None
) -> Mapping[str, Any]:
    """The claims of a user's grant; a refreshed ID token carries no nonce (OIDC Core §12.2)."""
    told: dict[str, Any] = {
        "iss": issuer,
        "sub": grant.sub,
        "aud": grant.client_id,
        "exp": seconds(now + lifetime),
        "iat": seconds(now),
        "auth_time": seconds(grant.auth_time),
        "acr": grant.acr,
        "amr": list(grant.amr),
        "at_hash": at_hash,
    }
    optional: Mapping[str, Any] = {"nonce": nonce, "sid": grant.sid}
    return told | {name: value for name, value in optional.items() if value is not None}


def hash_access_token(access_token: str, alg: str) -> str:
    """The left half of the access token's hash, base64url (OIDC Core §3.1.3.6)."""
    digest = hashlib.new(ALGORITHMS[alg].hash_name, access_token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")

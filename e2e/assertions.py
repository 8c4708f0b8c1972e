"""Client assertions (RFC 7523): the JWTs by which clients of private_key_jwt and client_secret_jwt authenticate."""

import json
import time
from typing import Any
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from e2e.clients import SIGNING_KEYS, Client

Key = RSAKey | ECKey | OKPKey | OctKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def form_of(client: Client, audience: str) -> dict[str, str | None]:
    """The parameters by which such a client authenticates."""
    return presented(assertion(client, audience))


def presented(text: str) -> dict[str, str | None]:
    """An assertion as parameters."""
    return {"client_assertion": text, "client_assertion_type": ASSERTION_TYPE}


def assertion(client: Client, audience: str, *, key: Key | None = None, alg: str | None = None, **changes: Any) -> str:
    """An assertion that is right, but for the changes; None leaves a claim out."""
    if key is None:
        key = SIGNING_KEYS["ES256"] if client.method == "private_key_jwt" else OctKey.import_key(client.secret or "")
    now = int(time.time())
    claims = {"iss": client.client_id, "sub": client.client_id, "aud": audience, "iat": now, "exp": now + 60}
    return sign(
        {**claims, "jti": uuid4().hex, **changes}, key, alg or ("HS256" if isinstance(key, OctKey) else "ES256")
    )


def sign(claims: dict[str, Any], key: Key, alg: str, **header: Any) -> str:
    """A JWT of these claims; None leaves a claim or a header's member out."""
    present = {name: value for name, value in claims.items() if value is not None}
    members = {name: value for name, value in {"alg": alg, "kid": key.kid, **header}.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    registry.max_header_length = 100_000
    return jws.serialize_compact(members, json.dumps(present).encode(), key, registry=registry)

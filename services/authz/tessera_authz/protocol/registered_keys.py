"""A client's keys in its metadata (RFC 7591 §2 `jwks`): public, of known kinds, large enough."""

from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 8192
_CURVES = ("P-256", "P-384", "P-521", "Ed25519", "X25519")
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_MAX_KEYS = 20


def jwks_problem(document: Any) -> str | None:  # noqa: ANN401 - JSON
    """What is wrong with a JWK Set, or None."""
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        return "must be a JWK Set"
    keys = document["keys"]
    if not 1 <= len(keys) <= _MAX_KEYS:
        return f"must hold 1 to {_MAX_KEYS} keys"
    kids = [key.get("kid") for key in keys if isinstance(key, dict) and "kid" in key]
    if not all(isinstance(kid, str) for kid in kids) or len(set(kids)) != len(kids):
        return "must have a different kid for each key"
    return next((problem for key in keys if (problem := _key_problem(key))), None)


def _key_problem(entry: Any) -> str | None:  # noqa: ANN401 - JSON
    if not isinstance(entry, dict):
        return "must be a JWK Set"
    if any(member in entry for member in _PRIVATE) or entry.get("kty") == "oct":  # RFC 7591 §2: public keys
        return "must not hold a private or symmetric key"
    try:
        key = import_key(entry)
    except (JoseError, ValueError, KeyError, TypeError):
        return "holds a key that cannot be read"
    match key:
        case RSAKey():  # RFC 7518 §3.3
            bits = key.raw_value.key_size
            return (
                None
                if _MIN_RSA_BITS <= bits <= _MAX_RSA_BITS
                else f"holds an RSA key of less than {_MIN_RSA_BITS} bits"
            )
        case ECKey() | OKPKey() if key.curve_name in _CURVES:
            return None
        case _:
            return "holds a key of a kind that is not served here"

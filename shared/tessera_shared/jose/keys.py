"""A set of verification keys by kid, as a JWKS tells it (RFC 7517)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, import_key

from tessera_shared.jose.algorithms import ALGORITHMS, ASYMMETRIC_SIGNING, Key


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key that verifies tokens of one algorithm."""

    kid: str
    alg: str
    key: Key


KeySet = Mapping[str, VerificationKey]


class KeySource(Protocol):
    """Where a verifier finds keys: the ring itself, or the JWKS it follows."""

    async def find(self, kid: str) -> VerificationKey | None:
        """The key of that kid, looked for once more at the source if it is unknown."""
        ...


class FollowedKeys(KeySource, Protocol):
    """A source that says when its set changed."""

    @property
    def generation(self) -> int:
        """Grows with every change of the set; what was verified under an older set must be verified again."""
        ...


def parse_jwks(document: Any) -> dict[str, VerificationKey]:  # noqa: ANN401 - whatever the source answered
    """Read the signing keys of a JWKS (RFC 7517 §5).

    Keys without kid or alg, symmetric ones and those of unknown kinds are left out.

    Raises:
        ValueError: The document is no JWKS at all.

    """
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("the document holds no list of keys")
    found = (_parse_key(entry) for entry in document["keys"] if isinstance(entry, dict))
    return {key.kid: key for key in found if key is not None}


def public_key_info(jwk: Mapping[str, Any]) -> bytes | None:
    """The SubjectPublicKeyInfo (RFC 5280 §4.1), DER, of a JWK; None for symmetric and unknown ones."""
    try:
        key = import_key(dict(jwk))
        if isinstance(key, OctKey):
            return None
        pem = key.as_pem(private=False)
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    return load_pem_public_key(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _parse_key(entry: dict[str, Any]) -> VerificationKey | None:
    kid, alg = entry.get("kid"), entry.get("alg")
    if not isinstance(kid, str) or alg not in ASYMMETRIC_SIGNING or entry.get("use", "sig") != "sig":
        return None
    if entry.get("kty") != ALGORITHMS[alg].kty or entry.get("crv", "") not in ("", *ALGORITHMS[alg].sizes):
        return None  # RFC 8725 §3.1: a key is used with an algorithm it was made for
    try:
        return VerificationKey(kid, alg, import_key(entry))
    except (JoseError, ValueError, KeyError, TypeError):
        return None

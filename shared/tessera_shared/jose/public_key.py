"""Public keys from outside: of a client's JWK Set, or inside a DPoP proof, each for the one use it is looked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey, import_key

from tessera_shared.jose.algorithms import ALGORITHMS, ASYMMETRIC_SIGNING, Key, Use

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""RFC 7518 §6: what a private or symmetric key holds."""
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
"""RFC 7518 §3.3, and a bound to what verifying may cost."""

_OPERATIONS: Mapping[Use, frozenset[str]] = {
    "sig": frozenset({"verify"}),
    "enc": frozenset({"encrypt", "wrapKey", "deriveKey", "deriveBits"}),
}
"""RFC 7517 §4.3: what a public key of that use is for."""
_ENCRYPTING_CURVES = ("P-256", "P-384", "P-521", "X25519")
"""RFC 7518 §4.6.1.1, RFC 8037 §3.2."""
_MAX_RSA_EXPONENT = 2**32
_MAX_KEYS = 50
_SAME = {"EdDSA": "Ed25519"}
"""RFC 9864 §2.2: with an Ed25519 key both names mean the same algorithm."""


class UnusableKey(Exception):  # noqa: N818 - says what is the case
    """The JWK is no public key that can be used here."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key with what its JWK says about its use."""

    key: Key
    kid: str | None = None
    alg: str | None = None
    use: str | None = None

    def fits(self, alg: str) -> bool:
        """Whether it verifies signatures of that algorithm (RFC 8725 §3.1)."""
        algorithm = ALGORITHMS.get(alg)
        if algorithm is None or alg not in ASYMMETRIC_SIGNING:
            return False
        if self.alg is not None and _SAME.get(self.alg, self.alg) != _SAME.get(alg, alg):
            return False
        match self.key:
            case RSAKey():
                return algorithm.kty == "RSA"
            case ECKey() | OKPKey():
                return self.key.curve_name in algorithm.sizes
            case OctKey():
                return False


def import_public_key(jwk: Any, use: Use = "sig") -> PublicKey:  # noqa: ANN401 - whatever was sent
    """Read one JWK (RFC 7517 §4), to verify signatures with, or to encrypt.

    Raises:
        UnusableKey: It holds a private part, is symmetric, of another use, of an unknown kind, or too small.

    """
    if not isinstance(jwk, dict):
        raise UnusableKey("not a JSON object")
    if PRIVATE_MEMBERS & jwk.keys() or jwk.get("kty") == "oct":
        raise UnusableKey("a private or symmetric key")
    operations = jwk.get("key_ops", list(_OPERATIONS[use]))
    if jwk.get("use", use) != use or not isinstance(operations, list) or not _is_for(operations, use):
        raise UnusableKey("a key for another use")
    kid, alg = jwk.get("kid"), jwk.get("alg")
    if not isinstance(kid, str | None) or not isinstance(alg, str | None):
        raise UnusableKey("kid and alg are text")
    try:
        key = import_key({name: value for name, value in jwk.items() if name in ("kty", "crv", "x", "y", "n", "e")})
        is_served = _is_served(key, use)
    except (JoseError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise UnusableKey("it cannot be read") from error
    if not is_served:
        raise UnusableKey("a key of another kind or size")
    return PublicKey(key, kid, alg, jwk.get("use"))


def read_jwks(document: Any, use: Use = "sig") -> tuple[PublicKey, ...]:  # noqa: ANN401 - whatever was sent
    """The keys of a client's JWK Set (RFC 7517 §5) for that use; others are left out.

    Raises:
        ValueError: The document is no JWK Set, or holds too many keys.

    """
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list | tuple):
        raise ValueError("the document holds no list of keys")
    if len(document["keys"]) > _MAX_KEYS:
        raise ValueError(f"the JWK Set holds more than {_MAX_KEYS} keys")
    found = []
    for entry in document["keys"]:
        try:
            found.append(import_public_key(entry, use))
        except UnusableKey:
            continue
    return tuple(found)


def select(keys: Sequence[PublicKey], kid: str | None, alg: str) -> tuple[PublicKey, ...]:
    """The keys that may have made a signature: of that kid where one is named (RFC 7515 §4.1.4), and for that alg."""
    return tuple(key for key in keys if key.fits(alg) and (kid is None or key.kid == kid))


def _is_for(operations: list[Any], use: Use) -> bool:
    return any(operation in _OPERATIONS[use] for operation in operations if isinstance(operation, str))


def _is_served(key: Key, use: Use) -> bool:
    match key:
        case RSAKey():
            numbers = key.public_key.public_numbers()
            return MIN_RSA_BITS <= numbers.n.bit_length() <= MAX_RSA_BITS and 1 < numbers.e <= _MAX_RSA_EXPONENT
        case ECKey() | OKPKey() if use == "enc":
            return key.curve_name in _ENCRYPTING_CURVES
        case ECKey() | OKPKey():
            return any(key.curve_name in ALGORITHMS[alg].sizes for alg in ASYMMETRIC_SIGNING)
        case OctKey():
            return False

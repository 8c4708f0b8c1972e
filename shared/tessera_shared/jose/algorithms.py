"""The registry of JOSE algorithms (RFC 7518, RFC 8037, RFC 9864) and the making of keys for them.

`none` is not in it and is never an algorithm. All keys come from the operating system's secure random source:
`cryptography` uses it for RSA, EC and OKP keys, `secrets` for symmetric ones.
"""

from dataclasses import dataclass
from typing import Literal

from joserfc.jwk import ECKey, KeyParameters, OctKey, OKPKey, RSAKey

from tessera_shared.errors import StartupError

Key = RSAKey | ECKey | OKPKey | OctKey
Use = Literal["sig", "enc"]

RSA_BITS = (2048, 3072, 4096)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One algorithm and the keys it takes: RSA sizes in bits, curve names, or secret sizes in bits."""

    name: str
    use: Use
    kty: Literal["RSA", "EC", "OKP", "oct"]
    sizes: tuple[int | str, ...]
    hash_name: str = "sha256"
    """The hash of at_hash (OpenID Connect Core §3.1.3.6)."""


_ALL = (
    Algorithm("RS256", "sig", "RSA", RSA_BITS, "sha256"),
    Algorithm("RS384", "sig", "RSA", RSA_BITS, "sha384"),
    Algorithm("RS512", "sig", "RSA", RSA_BITS, "sha512"),
    Algorithm("PS256", "sig", "RSA", RSA_BITS, "sha256"),
    Algorithm("PS384", "sig", "RSA", RSA_BITS, "sha384"),
    Algorithm("PS512", "sig", "RSA", RSA_BITS, "sha512"),
    Algorithm("ES256", "sig", "EC", ("P-256",), "sha256"),
    Algorithm("ES384", "sig", "EC", ("P-384",), "sha384"),
    Algorithm("ES512", "sig", "EC", ("P-521",), "sha512"),
    Algorithm("EdDSA", "sig", "OKP", ("Ed25519",), "sha512"),
    Algorithm("Ed25519", "sig", "OKP", ("Ed25519",), "sha512"),
    Algorithm("HS256", "sig", "oct", (256,), "sha256"),
    Algorithm("HS384", "sig", "oct", (384,), "sha384"),
    Algorithm("HS512", "sig", "oct", (512,), "sha512"),
    Algorithm("A256GCM", "enc", "oct", (256,)),
)

ALGORITHMS = {algorithm.name: algorithm for algorithm in _ALL}
ASYMMETRIC_SIGNING = tuple(a.name for a in _ALL if a.use == "sig" and a.kty != "oct")


def generate(alg: str, size: int | str | None = None) -> Key:
    """Make a key for `alg`, by default of the smallest size it takes, with its RFC 7638 thumbprint as kid.

    Raises:
        StartupError: An unknown algorithm, or a size it does not take.

    """
    algorithm = ALGORITHMS.get(alg)
    if algorithm is None:
        raise StartupError(f"keys: {alg} is no known algorithm; known are {', '.join(ALGORITHMS)}")
    chosen = algorithm.sizes[0] if size is None else size
    if chosen not in algorithm.sizes:
        raise StartupError(f"keys: {alg} takes {', '.join(map(str, algorithm.sizes))}, not {chosen}")
    parameters: KeyParameters = {"use": algorithm.use, "alg": algorithm.name}
    match algorithm.kty:
        case "RSA":
            return RSAKey.generate_key(int(chosen), parameters, auto_kid=True)
        case "EC":
            return ECKey.generate_key(str(chosen), parameters, auto_kid=True)
        case "OKP":
            return OKPKey.generate_key("Ed25519", parameters, auto_kid=True)
        case "oct":
            return OctKey.generate_key(int(chosen), parameters, auto_kid=True)

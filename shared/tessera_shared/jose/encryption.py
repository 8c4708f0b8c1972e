"""Encryption of what a client alone may read (RFC 7516): the registry of algorithms, and whom to encrypt for.

RSA1_5 is not in it (RFC 8725 §3.2), nor RSA-OAEP with SHA-1; a symmetric key is never wrapped with a password.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from joserfc import jwe
from joserfc.jwk import OctKey

from tessera_shared.jose.algorithms import Key
from tessera_shared.jose.public_key import PublicKey

DIRECT = "dir"
KEY_MANAGEMENT: Mapping[str, tuple[str, ...]] = {
    "RSA-OAEP-256": ("RSA",),
    "ECDH-ES": ("EC", "OKP"),
    "ECDH-ES+A128KW": ("EC", "OKP"),
    "ECDH-ES+A256KW": ("EC", "OKP"),
    DIRECT: ("oct",),
}
"""`alg` (RFC 7518 §4.1, RFC 8037 §3.2), and the kinds of key it takes."""
CONTENT_ENCRYPTION: Mapping[str, int] = {"A128CBC-HS256": 32, "A256CBC-HS512": 64, "A128GCM": 16, "A256GCM": 32}
"""`enc` (RFC 7518 §5.1), and the octets of its key."""
DEFAULT_ENC = "A128CBC-HS256"
"""OpenID Connect Registration §2: where a client registers an `alg` alone."""

_SHA256_BYTES = 32


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who can read it, and by which algorithms it is encrypted."""

    alg: str
    enc: str
    key: Key = field(repr=False)
    kid: str | None = None


def encrypt(content: bytes, to: Recipient, *, is_jwt: bool) -> str:
    """A compact JWE.

    Args:
        content: A signed JWT, or claims.
        to: The recipient.
        is_jwt: Whether it is a JWT, which then is nested (RFC 7519 §5.2).

    """
    header = {"alg": to.alg, "enc": to.enc, **({"cty": "JWT"} if is_jwt else {"typ": "JWT"})}
    if to.kid is not None:
        header["kid"] = to.kid
    return jwe.encrypt_compact(header, content, to.key, algorithms=[to.alg, to.enc])


def choose(keys: Sequence[PublicKey], alg: str) -> PublicKey | None:
    """The key to encrypt with: one that says it is for encryption, before one that says nothing of its use.

    OpenID Connect Registration §2 has clients name the use of keys where they publish both kinds.
    """
    fitting = [key for key in keys if key.key.key_type in KEY_MANAGEMENT[alg] and key.alg in (None, alg)]
    return min(fitting, key=lambda key: key.use is None, default=None)


def direct_recipient(secret: bytes, enc: str) -> Recipient:
    """The client itself by its secret: the left part of the secret's hash (OpenID Connect Core §10.2)."""
    size = CONTENT_ENCRYPTION[enc]
    digest = (hashlib.sha256 if size <= _SHA256_BYTES else hashlib.sha512)(secret).digest()
    return Recipient(DIRECT, enc, OctKey.import_key(digest[:size]))

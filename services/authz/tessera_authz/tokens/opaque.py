"""Opaque values (codes, refresh tokens): 256 random bits, stored as SHA-256 only."""

import hashlib
import secrets

from tessera_shared.sealed import derive_key, seal, unseal

_PURPOSE = b"tessera refresh answer"


def new() -> str:
    """A new unguessable value."""
    return secrets.token_urlsafe(32)


def digest(value: str) -> bytes:
    """What is stored of it; a value with 256 random bits needs no salt and no slow hash."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()


def seal_answer(token: str, answer: bytes) -> bytes:
    """Encrypt what was answered to a refresh token under a key that only the token's holder has."""
    return seal(derive_key(token.encode(), _PURPOSE), answer, digest(token))


def unseal_answer(token: str, sealed: bytes) -> bytes:
    """Decrypt it for a retry of the same refresh token.

    Raises:
        SealBroken: It was not sealed for this token.

    """
    return unseal(derive_key(token.encode(), _PURPOSE), sealed, digest(token))

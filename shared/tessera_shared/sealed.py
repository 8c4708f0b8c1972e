"""Authenticated encryption of what is stored: AES-256-GCM by `cryptography`, one value of nonce, ciphertext and tag."""

import base64
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tessera_shared.config import read_secret
from tessera_shared.errors import StartupError

KEY_BYTES = 32
_NONCE_BYTES = 12


class SealBroken(Exception):  # noqa: N818 - says what happened
    """The value was not sealed under this key and context, or was changed."""


def seal(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Encrypt `plaintext` under a 32-byte `key`; `context` is authenticated, so a value cannot be moved elsewhere."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Decrypt what `seal` made.

    Raises:
        SealBroken: Wrong key, wrong context or changed value.

    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise SealBroken("the value cannot be decrypted with this key") from error


def derive_key(secret: bytes, purpose: bytes) -> bytes:
    """A 32-byte key for one purpose from a secret with enough entropy (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)


def load_key(path: Path, name: str) -> bytes:
    """A secret key: 32 bytes, base64url, in a file.

    Args:
        path: The file.
        name: What it is, for the one line that says what is wrong with it.

    Raises:
        StartupError: The file is missing, or does not hold 32 bytes.

    """
    text = read_secret(path)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:  # binascii.Error is one; so is text that is not ASCII
        raise StartupError(f"{name}: {path} is not base64url") from error
    if len(key) != KEY_BYTES:
        raise StartupError(f"{name}: {path} holds {len(key)} bytes, {KEY_BYTES} needed")
    return key

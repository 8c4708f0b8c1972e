"""Client secrets that the server made: 256 random bits, so that one SHA-256 of them is as hard to turn back as it gets.

Chosen secrets, which people can guess, are stored as Argon2id; the stored form tells which of the two it is.
"""

import hashlib
import hmac

_PREFIX = "$sha256$"


def stored_form(secret: str) -> str:
    """What is stored of a generated secret."""
    return _PREFIX + hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_generated(stored: str) -> bool:
    """Whether this is the stored form of a generated secret."""
    return stored.startswith(_PREFIX)


def matches(stored: str, secret: str) -> bool:
    """Whether the secret is the one stored."""
    return hmac.compare_digest(stored, stored_form(secret))

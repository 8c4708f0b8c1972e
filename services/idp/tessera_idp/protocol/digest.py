"""What is stored of 256 random bits that somebody else holds: of a cookie, or of the token in a link."""

import hashlib


def digest(value: str) -> bytes:
    """SHA-256: nobody finds so many bits by trying, so nothing slower is needed."""
    return hashlib.sha256(value.encode()).digest()

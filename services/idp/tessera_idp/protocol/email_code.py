"""Codes by e-mail: digits that are typed where the login is under way, and how an address is shown to who may guess."""

import hmac
from datetime import timedelta

DIGITS = 8
TRIES = 5
"""Wrong codes after which another must be sent: one guess in 20 million is right."""
LIFETIME = timedelta(minutes=10)


def written(number: int) -> str:
    """The code of a random number below 10 ** DIGITS."""
    return f"{number:0{DIGITS}}"


def grouped(code: str) -> str:
    """As it is read more easily."""
    return f"{code[: DIGITS // 2]} {code[DIGITS // 2 :]}"


def code_hash(key: bytes, login: bytes, code: str) -> bytes:
    """What is stored of a code: an HMAC, since so few digits are soon tried.

    Args:
        key: 32 bytes, for this purpose alone.
        login: Which login it belongs to.
        code: As written or typed; spaces and hyphens do not matter.

    """
    digits = "".join(code.replace("-", " ").split())
    return hmac.digest(key, login + digits.encode(), "sha256")


def masked(address: str) -> str:
    """An address as its owner knows it again, and nobody else learns it."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"

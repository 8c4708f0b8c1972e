"""Which passwords may be chosen (NIST SP 800-63B-4 §3.1.1.2): long enough and not easily guessed, nothing else."""

import unicodedata
from enum import Enum

MAX_LENGTH = 256
"""In characters; the standard asks for 64 at least."""
_OWN = 6
"""So many letters and digits a password has beside the words that belong to the account or the service."""


class Weakness(Enum):
    """Why a password may not be chosen."""

    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    COMMON = "on the list of passwords that are tried first"
    PERSONAL = "made of names that belong to the account or the service"
    PATTERN = "made of repetitions or sequences"
    GUESSABLE = "easily guessed"


def normalized(password: str) -> str:
    """The one form that is measured and hashed (§3.1.1.2): each code point then counts as one character."""
    return unicodedata.normalize("NFKC", password)


def wrong_length(password: str, minimum: int) -> Weakness | None:
    """Whether the password has too few or too many characters; no kinds of characters are asked for."""
    length = len(normalized(password))
    if length < minimum:
        return Weakness.TOO_SHORT
    return Weakness.TOO_LONG if length > MAX_LENGTH else None


def words_of(*values: str | None) -> tuple[str, ...]:
    """The words that a password must not be made of: the values themselves, and their parts."""
    words: set[str] = set()
    for value in values:
        lowered = (value or "").lower()
        parts = "".join(letter if letter.isalnum() else " " for letter in lowered).split()
        words.update(word for word in (lowered, *parts) if len(word) > 2)  # noqa: PLR2004 - shorter ones are in any word
    return tuple(sorted(words))


def is_personal(password: str, words: tuple[str, ...]) -> bool:
    """Whether little is left of a password without the words that belong to the account or the service."""
    rest = normalized(password).lower()
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, " ")
    return rest != normalized(password).lower() and sum(map(str.isalnum, rest)) < _OWN

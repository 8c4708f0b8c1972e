"""Recovery codes: how they are written, read and stored (NIST SP 800-63B §3.1.2, look-up secrets)."""

import hashlib

COUNT = 10
RANDOM_BYTES = 10
"""80 random bits each, so a plain hash keeps them."""
FEW = 3
"""With this many left, users are told to make new ones."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE = str.maketrans("OIL", "011")
_GROUP = 4


def written(random: bytes) -> str:
    """A code of random bytes, in groups of characters that cannot be taken for one another (Crockford's base32)."""
    number, characters = int.from_bytes(random, "big"), ""
    for _ in range(len(random) * 8 // 5):
        number, digit = divmod(number, len(_ALPHABET))
        characters += _ALPHABET[digit]
    return "-".join(characters[start : start + _GROUP] for start in range(0, len(characters), _GROUP))


def digest(typed: str) -> bytes:
    """What is stored of a code, however it was typed."""
    characters = "".join(each for each in typed.upper() if each.isalnum()).translate(_ALIKE)
    return hashlib.sha256(characters.encode()).digest()

"""Judges passwords that are to be chosen: by their length, and by how soon zxcvbn's lists and patterns lead to them."""

import asyncio
from dataclasses import dataclass
from typing import Any

from zxcvbn import zxcvbn

from tessera_idp.config import IdpConfig
from tessera_idp.protocol.password_rules import Weakness, is_personal, normalized, words_of, wrong_length
from tessera_shared.uri import origin

_SCORED = 72
"""zxcvbn takes no more characters, and takes long for many; those behind them only make a password better."""
_ENOUGH = 3
"""Of zxcvbn's scores 0 to 4: more than a hundred million guesses."""
_PATTERNS = frozenset({"repeat", "sequence", "spatial", "regex", "date"})


def password_policy(config: IdpConfig) -> "PasswordPolicy":
    """The rules of the configuration."""
    return PasswordPolicy(config.passwords.minimum_length, (config.branding.name, origin(config.public_url)))


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """The rules, which are the same wherever a password is chosen.

    Attributes:
        minimum_length: In characters.
        service: Words that belong to the service, such as its name.

    """

    minimum_length: int
    service: tuple[str, ...] = ()

    async def weakness(self, password: str, *personal: str | None) -> Weakness | None:
        """Why this password may not be chosen, or None.

        Args:
            password: As it was typed.
            personal: What belongs to the account: username, e-mail address, name.

        """
        length = wrong_length(password, self.minimum_length)
        # in a thread: some passwords take it a tenth of a second
        return length or await asyncio.to_thread(self._guess, password, personal)

    def _guess(self, password: str, personal: tuple[str | None, ...]) -> Weakness | None:
        known = words_of(*self.service, *personal)
        if is_personal(password, known):
            return Weakness.PERSONAL
        found: dict[str, Any] = zxcvbn(normalized(password)[:_SCORED], user_inputs=list(known))
        if found["score"] >= _ENOUGH:
            return None
        matches = [*found["sequence"], *(base for match in found["sequence"] for base in match.get("base_matches", ()))]
        if any(match.get("dictionary_name") == "user_inputs" for match in matches):
            return Weakness.PERSONAL
        if any(match["pattern"] in _PATTERNS for match in found["sequence"]):
            return Weakness.PATTERN
        if any(match.get("dictionary_name") == "passwords" for match in matches):
            return Weakness.COMMON
        return Weakness.GUESSABLE

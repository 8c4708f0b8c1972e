"""A secret key that can be changed while services run: one is used, others are still, or already, accepted.

The master key is one: `load_master_key` reads it, and keys for single purposes are derived from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tessera_shared.sealed import SealBroken, derive_key, load_key, seal, unseal


@dataclass(frozen=True, slots=True)
class RotatingKey:
    """32 bytes that are used, and other keys whose work is accepted: earlier ones, or one that is to come."""

    current: bytes = field(repr=False)
    further: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def every(self) -> tuple[bytes, ...]:
        """All of them, the one in use first."""
        return (self.current, *self.further)

    def derive(self, purpose: bytes) -> Self:
        """The keys for one purpose."""
        current, *further = (derive_key(key, purpose) for key in self.every)
        return type(self)(current, tuple(further))

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt under the key in use."""
        return seal(self.current, plaintext, context)

    def unseal(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt what one of the keys sealed.

        Raises:
            SealBroken: None of them did, or the value was changed.

        """
        return self.open(sealed, context)[1]

    def opener(self, sealed: bytes, context: bytes) -> bytes:
        """The key that opens a value.

        Raises:
            SealBroken: None of them does.

        """
        return self.open(sealed, context)[0]

    def open(self, sealed: bytes, context: bytes) -> tuple[bytes, bytes]:
        """The key that opens a value, and what it holds.

        Raises:
            SealBroken: None of them does.

        """
        for key in self.every:
            try:
                return key, unseal(key, sealed, context)
            except SealBroken:
                continue
        raise SealBroken("the value cannot be decrypted with any of the keys")


def load_master_key(path: Path, further: Sequence[Path] = ()) -> RotatingKey:
    """The master key, and those that are accepted beside it.

    Raises:
        StartupError: See `load_key`.

    """
    return RotatingKey(load_key(path, "master key"), tuple(load_key(one, "further master key") for one in further))

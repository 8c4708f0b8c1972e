"""Verifies client secrets: chosen ones against Argon2id hashes in few threads, remembered under a keyed hash.

Generated secrets are stored as one SHA-256 and are compared at once (decision 5).
"""

import hashlib
import hmac
import os
from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import TypeVar

from tessera_authz.protocol import generated_secret
from tessera_authz.store.clients import ClientSecret
from tessera_shared.argon2id import Argon2id, Busy
from tessera_shared.errors import Unavailable

T = TypeVar("T")

_MAX_REMEMBERED = 10_000


class SecretVerifier:
    """Verifies client secrets. A secret that was right is known again without Argon2 until the client changes."""

    def __init__(self, argon2id: Argon2id) -> None:
        self._argon2id = argon2id
        self._key = os.urandom(32)
        self._verified: dict[str, set[tuple[bytes, str]]] = {}

    async def verify(self, client_id: str, secret: str, secrets: Sequence[ClientSecret], now: datetime) -> bool:
        """Whether the secret is one of the client's that are valid at `now`.

        Raises:
            Unavailable: Too many secrets are being checked.

        """
        valid = [stored.hash for stored in secrets if stored.expires_at is None or now < stored.expires_at]
        chosen = [stored for stored in valid if not generated_secret.is_generated(stored)]
        if any(generated_secret.matches(stored, secret) for stored in valid if stored not in chosen):
            return True
        return await self._verify_chosen(client_id, secret, chosen) if chosen or not valid else False

    async def _verify_chosen(self, client_id: str, secret: str, chosen: Sequence[str]) -> bool:
        digest = hmac.digest(self._key, secret.encode(), hashlib.sha256)
        if any((digest, stored) in self._verified.get(client_id, ()) for stored in chosen):
            return True
        if not chosen:
            await self.verify_nothing(secret)
        for stored in chosen:
            if await _unless_busy(self._argon2id.verify(stored, secret)):
                self._remember(client_id, (digest, stored))
                return True
        return False

    async def verify_nothing(self, secret: str) -> None:
        """Take as long as a verification does, so that an unknown client cannot be told from a wrong secret.

        Raises:
            Unavailable: Too many secrets are being checked.

        """
        await _unless_busy(self._argon2id.verify_nothing(secret))

    async def hash(self, secret: str) -> str:
        """The Argon2id hash to store.

        Raises:
            Unavailable: Too many secrets are being checked.

        """
        return await _unless_busy(self._argon2id.hash(secret))

    def forget(self, client_id: str | None) -> None:
        """Forget what was verified of a client, or of all (None)."""
        if client_id is None:
            self._verified.clear()
        else:
            self._verified.pop(client_id, None)

    def _remember(self, client_id: str, verified: tuple[bytes, str]) -> None:
        if len(self._verified) >= _MAX_REMEMBERED:
            self._verified.clear()
        self._verified.setdefault(client_id, set()).add(verified)


async def _unless_busy(work: Awaitable[T]) -> T:
    """Send away what more wrong secrets than the machine can check would keep waiting for ever."""
    try:
        return await work
    except Busy as error:
        raise Unavailable("as many client secrets as may wait are being checked") from error

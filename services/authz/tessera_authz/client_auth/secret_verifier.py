"""Verifies client secrets: chosen ones against Argon2id hashes in few threads, remembered under a keyed hash.

Generated secrets are stored as one SHA-256 and are compared at once (decision 5).
"""

import asyncio
import hashlib
import hmac
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tessera_authz.protocol import generated_secret
from tessera_authz.store.clients import ClientSecret

_MAX_REMEMBERED = 10_000


class SecretVerifier:
    """Verifies client secrets. A secret that was right is known again without Argon2 until the client changes."""

    def __init__(self, workers: int) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._key = os.urandom(32)
        self._verified: dict[str, set[tuple[bytes, str]]] = {}
        self._unknown_client_hash = self._hasher.hash(os.urandom(16).hex())

    async def verify(self, client_id: str, secret: str, secrets: Sequence[ClientSecret], now: datetime) -> bool:
        """Whether the secret is one of the client's that are valid at `now`."""
        valid = [stored.hash for stored in secrets if stored.expires_at is None or now < stored.expires_at]
        chosen = [stored for stored in valid if not generated_secret.is_generated(stored)]
        if any(generated_secret.matches(stored, secret) for stored in valid if stored not in chosen):
            return True
        return await self._verify_chosen(client_id, secret, chosen) if chosen or not valid else False

    async def _verify_chosen(self, client_id: str, secret: str, chosen: Sequence[str]) -> bool:
        digest = hmac.digest(self._key, secret.encode(), hashlib.sha256)
        if any((digest, stored) in self._verified.get(client_id, ()) for stored in chosen):
            return True
        for stored in chosen or [self._unknown_client_hash]:
            if await self._verify_slowly(stored, secret) and chosen:
                self._remember(client_id, (digest, stored))
                return True
        return False

    async def verify_nothing(self, secret: str) -> None:
        """Take as long as a verification does, so that an unknown client cannot be told from a wrong secret."""
        await self._verify_slowly(self._unknown_client_hash, secret)

    async def hash(self, secret: str) -> str:
        """The Argon2id hash to store."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, secret)

    def forget(self, client_id: str | None) -> None:
        """Forget what was verified of a client, or of all (None)."""
        if client_id is None:
            self._verified.clear()
        else:
            self._verified.pop(client_id, None)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _remember(self, client_id: str, verified: tuple[bytes, str]) -> None:
        if len(self._verified) >= _MAX_REMEMBERED:
            self._verified.clear()
        self._verified.setdefault(client_id, set()).add(verified)

    async def _verify_slowly(self, stored: str, secret: str) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._matches, stored, secret)

    def _matches(self, stored: str, secret: str) -> bool:
        try:
            return self._hasher.verify(stored, secret)
        except (VerificationError, InvalidHashError):
            return False

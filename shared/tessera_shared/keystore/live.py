"""The ring as a running service holds it: loaded again when it changes, and once more for an unknown kid."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from tessera_shared import clock, logging
from tessera_shared.db import Database
from tessera_shared.errors import Unavailable
from tessera_shared.jose.keys import VerificationKey
from tessera_shared.keystore.ring import KeyRing, KeyState

CHANNEL = "keys_changed"
_RELOAD = timedelta(seconds=5)
"""How soon an unknown kid may cause another load."""


class LiveRing:
    """A `KeySource` over the stored ring itself.

    Args:
        ring: The ring as it was at start.
        load: Reads it again.

    """

    def __init__(self, ring: KeyRing, load: Callable[[], Awaitable[KeyRing]]) -> None:
        self.current = ring
        self.generation = 0
        self._in_use: set[str] = set()
        self._log_rotated()
        self._load = load
        self._loading = asyncio.Lock()
        self._loaded_at = datetime.fromtimestamp(0, UTC)

    async def find(self, kid: str) -> VerificationKey | None:
        """The published key of that kid; for an unknown one the ring is loaded again, at most once in a few seconds."""
        now = clock.now()
        key = self.current.verification_keys(now).get(kid)
        if key is None:
            async with self._loading:
                if now - self._loaded_at > _RELOAD:
                    await self.reload()
            key = self.current.verification_keys(now).get(kid)
        return key

    async def reload(self) -> None:
        """Load the ring again."""
        ring = await self._load()
        self._loaded_at = clock.now()
        if {key.kid for key in ring.keys} != {key.kid for key in self.current.keys}:
            self.generation += 1
        self.current = ring
        self._log_rotated()

    async def follow_changes(self, database: Database) -> None:
        """Load the ring again whenever a row of it changes, until cancelled."""
        changed = asyncio.Event()
        while True:
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._reload_on(changed))
                    tasks.create_task(database.listen(CHANNEL, lambda _kid: changed.set(), changed.set))
            except* Unavailable as errors:
                reason = str(errors.exceptions[0])
                logging.get().warning("keys: changes cannot be heard, reading from time to time", reason=reason)
                await asyncio.sleep(1.0)

    async def _reload_on(self, changed: asyncio.Event) -> None:
        while True:
            await changed.wait()
            changed.clear()
            await self.reload()

    def _log_rotated(self) -> None:
        """Say which keys this process signs and encrypts with from now on."""
        now = clock.now()
        active = [key for key in self.current.keys if key.state(now) is KeyState.ACTIVE]
        for key in active:
            if key.kid not in self._in_use:
                logging.get().info("key rotated", kid=key.kid, use=key.use, alg=key.alg)
        self._in_use = {key.kid for key in active}

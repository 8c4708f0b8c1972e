"""The in-memory view of what is revoked: follows the stream, reads the database for what the stream may have missed.

The view is current while the stream was read, or the database was, within `max_staleness`. A verifier that finds it not
current must ask elsewhere or refuse: a revoked token is never accepted because something was down.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tessera_shared import clock, logging
from tessera_shared.db import Database
from tessera_shared.errors import Unavailable
from tessera_shared.redis import Redis
from tessera_shared.revocation import durable
from tessera_shared.revocation.entry import Revocation, names

MAX_STALENESS = timedelta(seconds=3)
_BLOCK_SECONDS = 1.0
_RECONCILE = timedelta(seconds=2)
_OVERLAP = timedelta(seconds=60)
"""How far back a reading of the database reaches again: transactions may commit out of the order of their times."""


class RevocationView:
    """Which access tokens are revoked, answered from memory."""

    def __init__(self, database: Database, redis: Redis) -> None:
        self._database = database
        self._redis = redis
        self._entries: dict[tuple[str, str], datetime] = {}
        self._stream_position = "0-0"
        self._newest = datetime.fromtimestamp(0, UTC)
        self._current_until = self._newest
        self._reconciled_at = self._newest

    def is_current(self, now: datetime) -> bool:
        """Whether the view can be relied on at `now`."""
        return now < self._current_until

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        """Whether the access token of these claims was revoked, as far as the view knows."""
        return any(name in self._entries for name in names(claims))

    def add(self, revocation: Revocation) -> None:
        """Take in one revocation."""
        self._entries[(revocation.kind, revocation.value)] = revocation.expires_at

    async def load(self) -> None:
        """Take in everything at start. The position in the stream is read first, so that nothing falls between.

        Raises:
            Unavailable: The database does not answer; without it a start would not know what was revoked.

        """
        with contextlib.suppress(Unavailable):  # without Redis the view lives on the database
            self._stream_position = await self._redis.last_id(durable.STREAM)
        await self._reconcile()

    async def follow(self) -> None:
        """Keep the view current until cancelled."""
        degraded = False
        while True:
            try:
                await self._follow_stream()
            except Unavailable as error:
                if not degraded:
                    logging.get().warning("revocations: stream lost, reading the database", reason=str(error))
                degraded = True
            else:
                if degraded:
                    logging.get().info("revocations: following the stream again")
                degraded = False
            if degraded:
                await self._read_database_once()
                await asyncio.sleep(_BLOCK_SECONDS / 2)

    async def _follow_stream(self) -> None:
        entries = await self._redis.read(durable.STREAM, self._stream_position, _BLOCK_SECONDS)
        for position, entry in entries:
            self.add(Revocation.from_stream(entry))
            self._stream_position = position
        now = clock.now()
        self._current_until = max(self._current_until, now + MAX_STALENESS)
        if now - self._reconciled_at > _RECONCILE:
            with contextlib.suppress(Unavailable):  # the stream is there; the next round tries again
                await self._reconcile()

    async def _read_database_once(self) -> None:
        try:
            await self._reconcile()
        except Unavailable as error:
            logging.get().error("revocations: neither stream nor database", reason=str(error))

    async def _reconcile(self) -> None:
        """Read what the database has that the stream may have missed, and forget what has expired."""
        started = clock.now()
        for revocation, revoked_at in await durable.since(self._database, self._newest - _OVERLAP, started):
            self.add(revocation)
            self._newest = max(self._newest, revoked_at)
        self._entries = {name: expires_at for name, expires_at in self._entries.items() if expires_at > started}
        self._reconciled_at = started
        self._current_until = max(self._current_until, started + MAX_STALENESS)

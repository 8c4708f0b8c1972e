"""The in-memory view of what is revoked: follows the stream, and reads the database for what that may have missed.

Two tasks keep it current, so that neither source, when it hangs, holds the other up. A reading of the database is proof
for `MAX_STALENESS`. Reading the stream is proof only once the database was read after the stream came up: what was
revoked while either was away may never have been announced. A verifier that finds the stream not followed asks the
database itself, for the last reading may be a second old; one that finds the view not current either must ask elsewhere
or refuse: a revoked token is never accepted because something was down.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tessera_shared import clock, logging
from tessera_shared.db import Database
from tessera_shared.errors import Unavailable
from tessera_shared.redis import Redis, StreamEntry
from tessera_shared.revocation import durable
from tessera_shared.revocation.entry import Revocation, names

MAX_STALENESS = timedelta(seconds=3)
_BLOCK_SECONDS = 1.0
_HEARD = timedelta(seconds=1.5)
"""How long after a reading of the stream, which lasts `_BLOCK_SECONDS` at most, it counts as followed."""
_RECONCILE_SECONDS = 1.0
_RETRY_SECONDS = 0.5
_OVERLAP = timedelta(seconds=60)
"""How far back a reading of the database reaches again: transactions may commit out of the order of their times."""
_NEVER = datetime.fromtimestamp(0, UTC)


class RevocationView:
    """Which access tokens are revoked, answered from memory."""

    def __init__(self, database: Database, redis: Redis) -> None:
        self._database = database
        self._redis = redis
        self._entries: dict[tuple[str, str], datetime] = {}
        self._stream_position = "0-0"
        self._newest = self._read_at = _NEVER
        # by the steady clock: one that is set back must not make what is stale look new
        self._stream_up_since: timedelta | None = None
        self._reconciled_at = self._heard_at = self._current_until = clock.LONG_AGO

    def is_current(self) -> bool:
        """Whether the view can be relied on now."""
        return clock.steady() < self._current_until

    def is_following(self) -> bool:
        """Whether the view learns of revocations the moment they are announced."""
        up_since = self._stream_up_since
        return up_since is not None and self._reconciled_at >= up_since and clock.steady() < self._heard_at + _HEARD

    @property
    def size(self) -> int:
        """How many revocations are held."""
        return len(self._entries)

    def read_age_seconds(self) -> float:
        """How long ago the database was last read."""
        return (clock.steady() - self._reconciled_at).total_seconds()

    async def is_listed(self, claims: Mapping[str, Any]) -> bool:
        """Whether the database lists the access token of these claims as revoked; what it says is kept.

        Raises:
            Unavailable: It does not answer.

        """
        found = await durable.find(self._database, names(claims))
        for revocation in found:
            self.add(revocation)
        return bool(found)

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        """Whether the access token of these claims was revoked, as far as the view knows."""
        return any(name in self._entries for name in names(claims))

    def add(self, revocation: Revocation) -> None:
        """Take in one revocation; of two for the same name the longer one counts."""
        name = (revocation.kind, revocation.value)
        self._entries[name] = max(revocation.expires_at, self._entries.get(name, _NEVER))

    async def load(self) -> None:
        """Take in everything at start. The position in the stream is read first, so that nothing falls between.

        Raises:
            Unavailable: The database does not answer; without it a start would not know what was revoked.

        """
        with contextlib.suppress(Unavailable):  # without Redis the view lives on the database
            self._stream_position = await self._redis.last_id(durable.STREAM)
            self._stream_up_since = self._heard_at = clock.steady()
        await self._reconcile()

    async def follow(self) -> None:
        """Keep the view current until cancelled."""
        async with asyncio.TaskGroup() as sources:
            sources.create_task(self._follow_stream())
            sources.create_task(self._follow_database())

    async def _follow_stream(self) -> None:
        answered = True
        while True:
            try:
                entries = await self._redis.read(durable.STREAM, self._stream_position, _BLOCK_SECONDS)
            except Unavailable as error:
                self._stream_up_since = None
                if answered:
                    logging.get().warning("revocations: stream lost, reading the database", reason=str(error))
                answered = False
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if not answered:
                logging.get().info("revocations: following the stream again")
            answered = True
            self._take_in(entries, clock.steady())

    def _take_in(self, entries: list[StreamEntry], now: timedelta) -> None:
        for position, entry in entries:
            try:
                self.add(Revocation.from_stream(entry))
            except (KeyError, ValueError) as error:
                logging.get().error("revocations: entry not understood", position=position, reason=repr(error))
                self._stream_up_since = now  # the database must say what this was
            self._stream_position = position
        self._heard_at = now
        if self._stream_up_since is None:
            self._stream_up_since = now
        if self._reconciled_at >= self._stream_up_since:
            self._extend(now)

    async def _follow_database(self) -> None:
        answered = True
        while True:
            try:
                await self._reconcile()
            except Unavailable as error:
                if answered:
                    logging.get().error("revocations: the database cannot be read", reason=str(error))
                answered = False
            else:
                if not answered:
                    logging.get().info("revocations: reading the database again")
                answered = True
            await asyncio.sleep(_RECONCILE_SECONDS)

    async def _reconcile(self) -> None:
        """Read what the database has that the stream may have missed, and forget what matters no more."""
        started, now = clock.steady(), clock.now()
        if now < self._read_at:  # a clock that was ahead made the view forget what still matters
            self._newest = _NEVER
        self._read_at = now
        for revocation, revoked_at in await durable.since(self._database, self._newest - _OVERLAP, now):
            self.add(revocation)
            self._newest = max(self._newest, revoked_at)
        self._entries = {name: end for name, end in self._entries.items() if end > now - durable.KEPT_BEYOND_END}
        self._reconciled_at = started
        self._extend(started)

    def _extend(self, known_at: timedelta) -> None:
        self._current_until = max(self._current_until, known_at + MAX_STALENESS)

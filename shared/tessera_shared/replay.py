"""What may be used once: the jti of client assertions (RFC 7523 §3), DPoP proofs (RFC 9449 §11.1) and their like.

Each use is recorded in Redis and in PostgreSQL, and is the first only if every store that answers says so. So what one
store missed while it was away, or lost, the other knows, and replicas that reach different stores still agree. While
Redis answers, PostgreSQL commits without waiting for the disk; alone it waits. A store that is known to have missed
uses is not relied on alone until those have expired: where no other answers, nothing is accepted.
"""

import asyncio
import hashlib
import json
import math
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Literal

from tessera_shared import clock, logging
from tessera_shared.db import Database
from tessera_shared.errors import Unavailable
from tessera_shared.redis import Redis

Kind = Literal["client assertion", "DPoP proof", "request object", "passkey challenge"]

KEY = "tessera:jti:"
RECORD = """
WITH setting AS MATERIALIZED (SELECT set_config('synchronous_commit', $3, true))
INSERT INTO replay.used_jti (hash, expires_at) SELECT $1::bytea, $2::timestamptz FROM setting
ON CONFLICT DO NOTHING RETURNING true
"""
PURGE = """
DELETE FROM replay.used_jti WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM replay.used_jti WHERE expires_at < $1 LIMIT 5000
))
"""

_PATIENCE_SECONDS = 0.5
"""A store that takes longer counts as away, where there is another."""
_PAUSE = timedelta(seconds=1)
"""How long such a store is left alone."""
_KEPT_BEYOND_END = timedelta(minutes=1)
"""How long entries outlive what they are about: for replicas whose clocks disagree."""
_NEVER = datetime.fromtimestamp(0, UTC)


class _Store:
    """What this process knows about a store: when it may be asked again, and until when it lacks uses."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.away_until = self.incomplete_until = _NEVER
        self._asked: set[asyncio.Task[bool]] = set()

    async def ask(self, statement: Coroutine[None, None, bool]) -> bool:
        """What it answers in time. A statement that is late is not cancelled, which itself would wait for the server.

        Raises:
            Unavailable: It does not answer in time.

        """
        asked = asyncio.create_task(statement)
        self._asked.add(asked)
        asked.add_done_callback(self._forget)
        await asyncio.wait((asked,), timeout=_PATIENCE_SECONDS)
        error = asked.exception() if asked.done() else TimeoutError()
        if error is None:
            return asked.result()
        if not isinstance(error, Unavailable | TimeoutError):
            raise error
        self.away_until = clock.now() + _PAUSE
        logging.get().warning("replay: a store does not answer", store=self.name, reason=repr(error))
        raise Unavailable(f"{self.name} does not answer") from error

    def _forget(self, asked: asyncio.Task[bool]) -> None:
        """Let go of a statement that has ended; how a late one ended tells nothing that its lateness did not."""
        self._asked.discard(asked)
        if not asked.cancelled():
            asked.exception()


class ReplayMemory:
    """Remembers, for all replicas of all services, which identifiers were used."""

    def __init__(self, database: Database, redis: Redis) -> None:
        self._database = database
        self._redis = redis
        self._redis_state = _Store("Redis")
        self._database_state = _Store("PostgreSQL")

    async def is_first_use(self, kind: Kind, issuer: str, jti: str, valid_until: datetime) -> bool:
        """Record a use; whether it is the first.

        Args:
            kind: What carries the identifier.
            issuer: Within what the identifier is unique: a client_id, a key's thumbprint.
            jti: The identifier.
            valid_until: When what carries it stops being accepted, clock tolerance included.

        Raises:
            Unavailable: No store answers that knows of every use.

        """
        digest = hashlib.sha256(json.dumps([kind, issuer, jti]).encode()).digest()
        expires_at = valid_until + _KEPT_BEYOND_END
        in_redis = await self._record_in_redis(digest, expires_at)
        if in_redis is False:
            return False
        in_database = await self._record_in_database(digest, expires_at, alone=in_redis is None)
        if in_database is False:
            return False
        if in_redis is None:
            _rely_on(self._database_state, self._redis_state, expires_at)
        elif in_database is None:
            _rely_on(self._redis_state, self._database_state, expires_at)
        return True

    async def purge(self, now: datetime) -> None:
        """Forget what matters no more; of the services' roles authz's alone may."""
        await self._database.execute_until_done(PURGE, now)

    async def _record_in_redis(self, digest: bytes, expires_at: datetime) -> bool | None:
        """Whether Redis did not know it before; None where Redis does not answer."""
        now = clock.now()
        if now < self._redis_state.away_until:
            return None
        seconds = max(1, math.ceil((expires_at - now).total_seconds()))
        try:
            return await self._redis_state.ask(self._redis.set_once(KEY + digest.hex(), seconds))
        except Unavailable:
            return None  # said in the log; the database is asked

    async def _record_in_database(self, digest: bytes, expires_at: datetime, *, alone: bool) -> bool | None:
        """Whether PostgreSQL did not know it before; None where it does not answer."""
        if alone:
            return await self._insert(digest, expires_at, "on")
        if clock.now() < self._database_state.away_until:
            return None
        try:
            return await self._database_state.ask(self._insert(digest, expires_at, "off"))
        except Unavailable:
            return None  # said in the log; Redis has answered

    async def _insert(self, digest: bytes, expires_at: datetime, synchronous_commit: str) -> bool:
        return bool(await self._database.fetchval(RECORD, digest, expires_at, synchronous_commit))


def _rely_on(store: _Store, other: _Store, expires_at: datetime) -> None:
    """Accept a use that one store alone has recorded; the other one lacks it from now on.

    Raises:
        Unavailable: This store lacks uses itself.

    """
    if clock.now() < store.incomplete_until:
        raise Unavailable(f"whether a jti was used before cannot be known: {other.name} is away, {store.name} was")
    other.incomplete_until = max(other.incomplete_until, expires_at)

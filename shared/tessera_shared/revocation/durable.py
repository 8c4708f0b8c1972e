"""SQL of the durable list, and its announcement."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tessera_shared import logging
from tessera_shared.db import Database
from tessera_shared.errors import Unavailable
from tessera_shared.redis import Redis
from tessera_shared.revocation.entry import Revocation

STREAM = "tessera:revocations"
KEPT_BEYOND_END = timedelta(minutes=5)
"""How long an entry is kept after its end: as far as a verifier's clock tolerance may ever reach, so that a revoked
token is not accepted in its last seconds."""

SINCE = """
SELECT kind, value, expires_at, revoked_at FROM revocation.entries
WHERE revoked_at >= $1 AND expires_at > $2 ORDER BY revoked_at
"""
INSERT = """
INSERT INTO revocation.entries (kind, value, expires_at) VALUES ($1, $2, $3)
ON CONFLICT (kind, value) DO UPDATE
SET expires_at = greatest(entries.expires_at, excluded.expires_at), revoked_at = excluded.revoked_at
"""
FIND = """
SELECT kind, value, expires_at FROM revocation.entries
JOIN unnest($1::text[], $2::text[]) AS asked (kind, value) USING (kind, value)
"""
PURGE = """
DELETE FROM revocation.entries WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM revocation.entries WHERE expires_at < $1 LIMIT 5000
))
"""


async def add(database: Database, revocation: Revocation) -> None:
    """Record durably; only then may it be announced."""
    await database.execute(INSERT, revocation.kind, revocation.value, revocation.expires_at)


async def since(database: Database, moment: datetime, now: datetime) -> list[tuple[Revocation, datetime]]:
    """What was revoked from `moment` on and still matters, with the time of each."""
    rows = await database.fetch(SINCE, moment, now - KEPT_BEYOND_END)
    return [(Revocation(row["kind"], row["value"], row["expires_at"]), row["revoked_at"]) for row in rows]


async def find(database: Database, named: Sequence[tuple[str, str]]) -> list[Revocation]:
    """What is listed under any of these names."""
    rows = await database.fetch(FIND, [kind for kind, _ in named], [value for _, value in named])
    return [Revocation(row["kind"], row["value"], row["expires_at"]) for row in rows]


async def purge(database: Database, now: datetime) -> None:
    """Forget what concerns no valid token any more."""
    await database.execute_until_done(PURGE, now - KEPT_BEYOND_END)


async def announce(redis: Redis, revocations: Sequence[Revocation], keep: timedelta, now: datetime) -> None:
    """Tell every verifier; when Redis is away, they find the entries in the database by themselves.

    Args:
        redis: Where the stream is.
        revocations: What was recorded durably just before.
        keep: How long entries stay in the stream: the longest life of an access token.
        now: The current time.

    """
    try:
        for revocation in revocations:
            await redis.append(STREAM, revocation.to_stream(), now - keep)
    except Unavailable as error:
        logging.get().warning("revocation not announced; verifiers will read it from the database", reason=str(error))

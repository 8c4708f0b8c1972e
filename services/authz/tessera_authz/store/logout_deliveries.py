"""Logouts that clients are to be told of: queued by the database when a session ends, claimed by one replica each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tessera_authz.protocol.backchannel_logout import Outcome
from tessera_shared.db import Database

CHANNEL = "logout_queued"

# a claim ends by itself: what was claimed by a replica that is gone comes due again; first attempts before retries
CLAIM = """
WITH due AS (
    SELECT id FROM authz.logout_deliveries WHERE due_at <= $1 ORDER BY attempts, due_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE authz.logout_deliveries d SET attempts = d.attempts + 1, due_at = $3 FROM due WHERE d.id = due.id
RETURNING d.id, d.client_id, d.sub, d.sid, d.attempts
"""
RECORD = """
UPDATE authz.logout_deliveries SET outcome = $3, status = $4, reason = $5, due_at = $6, finished_at = $7
WHERE id = $1 AND attempts = $2 AND outcome IS NULL
"""
LIST = """
SELECT created_at, client_id, sub, sid, coalesce(outcome, 'pending') AS outcome, attempts, status, reason, due_at,
    finished_at
FROM authz.logout_deliveries
WHERE ($1::text IS NULL OR client_id = $1) AND ($2::text IS NULL OR sub = $2)
    AND ($3::text IS NULL OR coalesce(outcome, 'pending') = $3)
ORDER BY created_at DESC, id LIMIT $4
"""
PURGE = """
DELETE FROM authz.logout_deliveries WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM authz.logout_deliveries WHERE created_at < $1 AND finished_at IS NOT NULL LIMIT 5000
))
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A client to be told of a session's end; `attempts` counts the one that it was claimed for."""

    id: UUID
    client_id: str
    sub: str
    sid: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attempt: over with an outcome, or due again; the client's status, or why there is none."""

    outcome: Outcome | None
    due_at: datetime | None
    status: int | None = None
    reason: str | None = None


class LogoutDeliveryStore:
    """The table of deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, most: int, now: datetime, until: datetime) -> list[Delivery]:
        """Take deliveries that are due; nobody else gets them before `until`."""
        rows = await self._database.fetch(CLAIM, now, most, until)
        return [Delivery(row["id"], row["client_id"], row["sub"], row["sid"], row["attempts"]) for row in rows]

    async def record(self, delivery: Delivery, attempt: Attempt, now: datetime) -> None:
        """Write down what came of it; nothing where another replica has taken it over since."""
        finished_at = None if attempt.outcome is None else now
        told = (attempt.outcome, attempt.status, attempt.reason, attempt.due_at, finished_at)
        await self._database.execute(RECORD, delivery.id, delivery.attempts, *told)

    async def purge(self, before: datetime) -> None:
        """Forget what is over and was queued before that moment."""
        await self._database.execute_until_done(PURGE, before)


async def list_all(
    database: Database, client_id: str | None, sub: str | None, outcome: str | None, most: int
) -> list[dict[str, Any]]:
    """The newest deliveries, of a client, user or outcome or of all."""
    return [dict(row) for row in await database.fetch(LIST, client_id, sub, outcome, most)]

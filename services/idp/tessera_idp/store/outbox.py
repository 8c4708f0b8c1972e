"""Mails that wait to be sent; what they say is sealed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tessera_shared.db import Database, Transaction

ADD = """
INSERT INTO idp.outbox (id, template, content, queued_at, next_attempt_at) VALUES ($1, $2, $3, $4, $4)
"""
CLAIM = """
UPDATE idp.outbox SET attempts = attempts + 1, next_attempt_at = $2 WHERE id IN (
    SELECT id FROM idp.outbox WHERE next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
RETURNING id, template, content, attempts, queued_at
"""
REMOVE = "DELETE FROM idp.outbox WHERE id = $1"
TRY_AGAIN = "UPDATE idp.outbox SET next_attempt_at = $2 WHERE id = $1"
PAGE = "SELECT id, template, content AS sealed FROM idp.outbox WHERE id > $1 ORDER BY id LIMIT $2"
RESEAL = "UPDATE idp.outbox SET content = $3 WHERE id = $1 AND content = $2 RETURNING id"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail that one replica has claimed.

    Attributes:
        id: Names it in the log, and in the mail's Message-ID.
        template: What it tells.
        content: Recipient, subject and bodies, sealed.
        attempts: How often it was claimed, this time included.
        queued_at: Since when it waits.

    """

    id: UUID
    template: str
    content: bytes = field(repr=False)
    attempts: int
    queued_at: datetime


async def add(into: Database | Transaction, mail: UUID, template: str, content: bytes, now: datetime) -> None:
    """Store a mail that is to be sent at once."""
    await into.execute(ADD, mail, template, content, now)


async def claim(database: Database, now: datetime, until: datetime, limit: int) -> Sequence[Waiting]:
    """Mails that are due, for the caller alone until `until`: then another may have them."""
    rows = await database.fetch(CLAIM, now, until, limit)
    return [Waiting(row["id"], row["template"], row["content"], row["attempts"], row["queued_at"]) for row in rows]


async def remove(database: Database, mail: UUID) -> None:
    """Forget a mail: it was sent, or given up."""
    await database.execute(REMOVE, mail)


async def try_again(database: Database, mail: UUID, at: datetime) -> None:
    """Let a mail wait."""
    await database.execute(TRY_AGAIN, mail, at)

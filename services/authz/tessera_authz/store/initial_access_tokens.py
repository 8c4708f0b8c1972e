"""Initial access tokens (RFC 7591 §3.1): each lets its holder register clients within its own bounds."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tessera_authz.protocol.registration_policy import Bounds
from tessera_shared.db import Database, Row, Transaction

_COLUMNS = "id, note, bounds, uses_left, created_at, expires_at"
FIND = f"""
SELECT {_COLUMNS} FROM authz.initial_access_tokens
WHERE token_hash = $1 AND expires_at > $2 AND (uses_left IS NULL OR uses_left > 0)
"""  # noqa: S608 - constants only
USE = """
UPDATE authz.initial_access_tokens SET uses_left = uses_left - 1
WHERE id = $1 AND expires_at > $2 AND (uses_left IS NULL OR uses_left > 0) RETURNING id
"""
LIST = f"SELECT {_COLUMNS} FROM authz.initial_access_tokens ORDER BY created_at, id"  # noqa: S608 - constants only
INSERT = """
INSERT INTO authz.initial_access_tokens (id, token_hash, note, bounds, uses_left, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
DELETE = "DELETE FROM authz.initial_access_tokens WHERE id = $1 RETURNING id"
PURGE = "DELETE FROM authz.initial_access_tokens WHERE expires_at < $1"


@dataclass(frozen=True, slots=True)
class InitialAccessToken:
    """A token, known by its hash."""

    id: UUID
    note: str
    bounds: Bounds
    uses_left: int | None
    created_at: datetime
    expires_at: datetime


async def find(database: Database, token_hash: bytes, now: datetime) -> InitialAccessToken | None:
    """The token of that hash, while it may be used."""
    row = await database.fetchrow(FIND, token_hash, now)
    return None if row is None else _to_token(row)


async def use(tx: Transaction, token_id: UUID, now: datetime) -> bool:
    """Use it once; False where others have used it up meanwhile."""
    return await tx.fetchval(USE, token_id, now) is not None


async def list_all(database: Database) -> list[InitialAccessToken]:
    """Every token, the oldest first."""
    return [_to_token(row) for row in await database.fetch(LIST)]


async def add(tx: Transaction, token: InitialAccessToken, token_hash: bytes) -> None:
    """Store a new token."""
    await tx.execute(
        INSERT,
        token.id,
        token_hash,
        token.note,
        json.dumps(token.bounds.to_stored()),
        token.uses_left,
        token.created_at,
        token.expires_at,
    )


async def remove(tx: Transaction, token_id: UUID) -> bool:
    """Remove it: nobody registers with it any more; False where it is not there."""
    return await tx.fetchval(DELETE, token_id) is not None


async def purge(database: Database, now: datetime) -> None:
    """Forget tokens that have expired."""
    await database.execute(PURGE, now)


def _to_token(row: Row) -> InitialAccessToken:
    bounds = Bounds.from_stored(json.loads(row["bounds"]))
    return InitialAccessToken(row["id"], row["note"], bounds, row["uses_left"], row["created_at"], row["expires_at"])

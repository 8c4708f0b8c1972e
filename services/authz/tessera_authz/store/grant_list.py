"""Grants as operators see them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tessera_shared.db import Database

_COLUMNS = "id, client_id, sub, scope, resource, sid, created_at, auth_time, expires_at, revoked_at"
LIVE = f"""
SELECT {_COLUMNS} FROM authz.grants
WHERE revoked_at IS NULL AND expires_at > $3 AND ($1::text IS NULL OR client_id = $1) AND ($2::text IS NULL OR sub = $2)
ORDER BY created_at, id
"""  # noqa: S608 - constants only
FIND = f"SELECT {_COLUMNS} FROM authz.grants WHERE id = $1"  # noqa: S608 - constants only
FORGET_CONSENT = """
DELETE FROM authz.consents c USING authz.grants g
WHERE g.id = ANY ($1::uuid[]) AND c.sub = g.sub AND c.client_id = g.client_id
"""


async def live(database: Database, client_id: str | None, sub: str | None, now: datetime) -> list[dict[str, Any]]:
    """Every grant in force, of a client or user or of all."""
    return [dict(row) for row in await database.fetch(LIVE, client_id, sub, now)]


async def find(database: Database, grant_id: UUID) -> dict[str, Any] | None:
    """One grant, revoked or not."""
    row = await database.fetchrow(FIND, grant_id)
    return None if row is None else dict(row)


async def forget_consent(database: Database, grant_ids: list[str]) -> None:
    """Let the users of these grants be asked again."""
    await database.execute(FORGET_CONSENT, [UUID(grant_id) for grant_id in grant_ids])

"""Users and their sessions as operators see and change them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tessera_idp.protocol.models import User
from tessera_shared.db import Database, Row, Transaction

_COLUMNS = "sub, username, claims, disabled, updated_at"
LIST = f"SELECT {_COLUMNS} FROM idp.users ORDER BY created_at, sub"  # noqa: S608 - constants only
FIND = f"SELECT {_COLUMNS} FROM idp.users WHERE sub = $1 OR lower(username) = lower($1)"  # noqa: S608 - constants only
CHANGE = "UPDATE idp.users SET claims = $2, disabled = $3, updated_at = $4 WHERE sub = $1"
SET_PASSWORD = """
INSERT INTO idp.passwords (sub, hash, changed_at) VALUES ($1, $2, $3)
ON CONFLICT (sub) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at
"""
END_SESSIONS = "UPDATE idp.sessions SET ended_at = $2 WHERE sub = $1 AND ended_at IS NULL"
REVOKE_GRANTS = "SELECT authz.revoke_user($1, $2)::text AS grant_id"
REMOVE = "DELETE FROM idp.users WHERE sub = $1"
LIVE_SESSIONS = """
SELECT s.sid, u.username, s.sub, s.auth_time, s.acr, s.amr, s.address, s.user_agent, s.expires_at
FROM idp.sessions s JOIN idp.users u USING (sub)
WHERE s.ended_at IS NULL AND s.expires_at > $2 AND ($1::text IS NULL OR s.sub = $1) ORDER BY s.created_at, s.sid
"""


async def list_all(database: Database) -> list[User]:
    """Every user, the oldest first."""
    return [_to_user(row) for row in await database.fetch(LIST)]


async def find(database: Database, user: str) -> User | None:
    """The user of that name or subject identifier."""
    row = await database.fetchrow(FIND, user)
    return None if row is None else _to_user(row)


async def change(tx: Transaction, sub: str, claims: Mapping[str, Any], disabled: bool, now: datetime) -> None:  # noqa: FBT001 - a column
    """Store other claims, and whether the user may log in."""
    await tx.execute(CHANGE, sub, json.dumps(claims), disabled, now)


async def set_password(tx: Transaction, sub: str, hashed: str, now: datetime) -> None:
    """Store another password."""
    await tx.execute(SET_PASSWORD, sub, hashed, now)


async def revoke_all(tx: Transaction, sub: str, now: datetime, revoked_until: datetime) -> list[str]:
    """End the user's sessions and revoke the user's grants; their ids, to be announced."""
    await tx.execute(END_SESSIONS, sub, now)
    return [row["grant_id"] for row in await tx.fetch(REVOKE_GRANTS, sub, revoked_until)]


async def remove(tx: Transaction, sub: str) -> None:
    """Delete the user with everything of it."""
    await tx.execute(REMOVE, sub)


async def live_sessions(database: Database, sub: str | None, now: datetime) -> list[dict[str, Any]]:
    """Every live session, of one user or of all."""
    return [dict(row) for row in await database.fetch(LIVE_SESSIONS, sub, now)]


def _to_user(row: Row) -> User:
    return User(row["sub"], row["username"], json.loads(row["claims"]), row["disabled"], row["updated_at"])

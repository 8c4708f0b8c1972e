"""Users and their passwords."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tessera_idp.protocol.models import User
from tessera_shared.db import Database, Row

FIND = "SELECT sub, username, claims, disabled, updated_at FROM idp.users WHERE sub = $1"
FIND_WITH_PASSWORD = """
SELECT u.sub, u.username, u.claims, u.disabled, u.updated_at, p.hash
FROM idp.users u LEFT JOIN idp.passwords p USING (sub)
WHERE lower(u.username) = lower($1)
    OR (lower(u.claims ->> 'email') = lower($1) AND u.claims -> 'email_verified' = 'true')
ORDER BY lower(u.username) <> lower($1) LIMIT 1
"""
HAS_PASSWORD = "SELECT EXISTS (SELECT FROM idp.passwords WHERE sub = $1)"
ADD = """
WITH made AS (
    INSERT INTO idp.users (sub, username, claims, created_at, updated_at) VALUES ($1, $2, $3, $5, $5)
    ON CONFLICT (lower(username)) DO NOTHING RETURNING sub
)
INSERT INTO idp.passwords (sub, hash, changed_at) SELECT sub, $4, $5 FROM made RETURNING sub
"""
REPLACE_HASH = "UPDATE idp.passwords SET hash = $3 WHERE sub = $1 AND hash = $2"


@dataclass(frozen=True, slots=True)
class UserWithPassword:
    """A user and the hash of the password, where there is one."""

    user: User
    hash: str | None


class UserStore:
    """The tables of users and passwords."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, sub: str) -> User | None:
        """The user of that subject identifier, disabled or not."""
        row = await self._database.fetchrow(FIND, sub)
        return None if row is None else to_user(row)

    async def find_with_password(self, username: str) -> UserWithPassword | None:
        """The user of that name, else of that verified e-mail address; capital and small letters are the same."""
        row = await self._database.fetchrow(FIND_WITH_PASSWORD, username)
        return None if row is None else UserWithPassword(to_user(row), row["hash"])

    async def has_password(self, sub: str) -> bool:
        """Whether the user of that sub has a password."""
        return bool(await self._database.fetchval(HAS_PASSWORD, sub))

    async def add(self, sub: str, username: str, claims: Mapping[str, Any], password_hash: str, now: datetime) -> bool:
        """Store a new user; False where the name is taken."""
        made = await self._database.fetchval(ADD, sub, username, json.dumps(claims), password_hash, now)
        return made is not None

    async def replace_hash(self, sub: str, old: str, new: str) -> None:
        """Store the same password hashed anew, unless it was changed in between."""
        await self._database.execute(REPLACE_HASH, sub, old, new)


def to_user(row: Row) -> User:
    """A row of users."""
    return User(row["sub"], row["username"], json.loads(row["claims"]), row["disabled"], row["updated_at"])

"""Logins that have begun and lack something: each known by a cookie of its own, for one ask in one browser."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tessera_idp.protocol.digest import digest
from tessera_idp.protocol.levels import Used
from tessera_shared.db import Database, Row

MAX_ATTEMPTS = 5
"""Wrong proofs after which a login begins anew with its first method."""

INSERT = """
INSERT INTO idp.logins_under_way
    (cookie_hash, ask_digest, browser_hash, sub, methods, began_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_OPEN = "l.cookie_hash = $1 AND l.ask_digest = $2 AND l.browser_hash = $3 AND l.expires_at > $4"
_USER = "JOIN idp.users u USING (sub)"
_FOUND = "l.sub, l.methods, u.username, u.claims ->> 'name' AS name"
FIND = f"SELECT {_FOUND} FROM idp.logins_under_way l {_USER} WHERE {_OPEN} AND NOT u.disabled"  # noqa: S608 - constants only
TRY = f"""
UPDATE idp.logins_under_way l SET attempts = l.attempts + 1 FROM idp.users u
WHERE {_OPEN} AND u.sub = l.sub AND NOT u.disabled AND l.attempts < {MAX_ATTEMPTS}
RETURNING {_FOUND}
"""  # noqa: S608 - constants only
ADVANCE = f"""
UPDATE idp.logins_under_way l SET methods = $5, attempts = 0 WHERE {_OPEN} AND l.methods = $6 RETURNING l.sub
"""  # noqa: S608 - constants only
TAKE = f"DELETE FROM idp.logins_under_way l WHERE {_OPEN} RETURNING l.sub"  # noqa: S608 - constants only
PURGE = """
DELETE FROM idp.logins_under_way WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idp.logins_under_way WHERE expires_at < $1 LIMIT 5000
))
"""


@dataclass(frozen=True, slots=True)
class Key:
    """What must be the same for a login to go on: hashes of its cookie, its ask, and the browser's cookie for forms."""

    cookie: bytes
    ask: bytes
    browser: bytes

    @classmethod
    def of(cls, cookie: str, ask: str, browser: str) -> "Key":
        """The key of these values."""
        return cls(*(digest(value) for value in (cookie, ask, browser)))


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A login that lacks something: whose it is, and what was used so far."""

    key: Key
    sub: str
    username: str
    name: str | None
    used: tuple[Used, ...]


class LoginsUnderWayStore:
    """The table of logins under way."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: Key, sub: str, used: Iterable[Used], now: datetime, expires_at: datetime) -> None:
        """Store a login that has begun."""
        await self._database.execute(
            INSERT, key.cookie, key.ask, key.browser, sub, methods_to_json(used), now, expires_at
        )

    async def find(self, key: Key, now: datetime) -> UnderWay | None:
        """The login, while it may go on and its user may log in."""
        return _to_under_way(key, await self._database.fetchrow(FIND, *_open(key, now)))

    async def try_once(self, key: Key, now: datetime) -> UnderWay | None:
        """The same, counted as an attempt to prove something; None as well when there were too many."""
        return _to_under_way(key, await self._database.fetchrow(TRY, *_open(key, now)))

    async def advance(self, found: UnderWay, used: Iterable[Used], now: datetime) -> bool:
        """Store what was used; False where another request was first."""
        before, after = methods_to_json(found.used), methods_to_json(used)
        return await self._database.fetchval(ADVANCE, *_open(found.key, now), after, before) is not None

    async def take(self, key: Key, now: datetime) -> bool:
        """Consume the login, once; False where it was consumed or is over."""
        return await self._database.fetchval(TAKE, *_open(key, now)) is not None

    async def purge(self, now: datetime) -> None:
        """Delete logins that are over."""
        await self._database.execute_until_done(PURGE, now)


def methods_to_json(used: Iterable[Used]) -> str:
    """As it is stored, of a session too."""
    return json.dumps([{"method": each.method, "amr": list(each.amr), "at": each.at.isoformat()} for each in used])


def methods_from_json(text: str) -> tuple[Used, ...]:
    """What is stored."""
    return tuple(
        Used(each["method"], tuple(each["amr"]), datetime.fromisoformat(each["at"])) for each in json.loads(text)
    )


def _open(key: Key, now: datetime) -> tuple[bytes, bytes, bytes, datetime]:
    return key.cookie, key.ask, key.browser, now


def _to_under_way(key: Key, row: Row | None) -> UnderWay | None:
    if row is None:
        return None
    return UnderWay(key, row["sub"], row["username"], row["name"], methods_from_json(row["methods"]))

"""Login sessions, known by the hash of the browser's cookie; ending one revokes what was granted in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tessera_idp.protocol.levels import Used
from tessera_idp.protocol.logout import Revokes
from tessera_idp.protocol.models import Session
from tessera_idp.store.logins_under_way import methods_from_json, methods_to_json
from tessera_shared.db import Database, Row, Transaction

_COLUMNS = (
    "s.sid, s.sub, s.auth_time, s.acr, s.amr, s.methods, u.username, u.claims ->> 'name' AS name, "
    "u.claims ->> 'email' AS email, u.claims ->> 'zoneinfo' AS zoneinfo"
)
_LIVE = "s.ended_at IS NULL AND s.expires_at > $2 AND NOT u.disabled"

FIND = f"""
WITH used AS (
    UPDATE idp.sessions SET last_used_at = $2
    WHERE cookie_hash = $1 AND ended_at IS NULL AND expires_at > $2 AND last_used_at < $2 - interval '1 minute'
)
SELECT {_COLUMNS} FROM idp.sessions s JOIN idp.users u USING (sub) WHERE s.cookie_hash = $1 AND {_LIVE}
"""  # noqa: S608 - constants only
FIND_BY_SID = f"SELECT {_COLUMNS} FROM idp.sessions s JOIN idp.users u USING (sub) WHERE s.sid = $1 AND {_LIVE}"  # noqa: S608 - constants only
LIST = """
SELECT sid, user_agent, address, created_at, last_used_at FROM idp.sessions
WHERE sub = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY last_used_at DESC, created_at DESC
"""
LOCK_BY_COOKIE = """
SELECT sid, sub FROM idp.sessions WHERE cookie_hash = $1 AND ended_at IS NULL AND expires_at > $2 FOR UPDATE
"""
RENEW = """
UPDATE idp.sessions SET cookie_hash = $2, auth_time = $3, acr = $4, amr = $5, user_agent = $6, address = $7,
    expires_at = $8, methods = $9, last_used_at = $3 WHERE sid = $1
"""
INSERT = """
INSERT INTO idp.sessions
    (sid, cookie_hash, sub, auth_time, acr, amr, user_agent, address, created_at, last_used_at, expires_at, methods)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $4, $4, $9, $10)
"""
END = """
WITH ended AS (
    UPDATE idp.sessions SET ended_at = $2 WHERE sid = $1 AND ended_at IS NULL RETURNING sid
)
SELECT authz.revoke_session(sid, $3, $4)::text AS grant_id FROM ended
"""
END_ALL = """
WITH ended AS (
    UPDATE idp.sessions SET ended_at = $2 WHERE sub = $1 AND ended_at IS NULL RETURNING sid
)
SELECT coalesce(sids, '{}') AS sids,
    ARRAY(SELECT authz.revoke_user($1, $3, $4, NULL)::text WHERE counted >= 0) AS grant_ids
FROM (SELECT array_agg(sid) AS sids, count(*) AS counted FROM ended) AS done
"""
PURGE = """
DELETE FROM idp.sessions WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idp.sessions WHERE expires_at < $1 OR ended_at < $1 LIMIT 5000
))
"""


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A login that just happened, to be stored."""

    sid: str
    cookie_hash: bytes
    sub: str
    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    used: tuple[Used, ...]
    user_agent: str
    address: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A live session as its user is shown it."""

    sid: str
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """The session that a login began or renewed, and the grants revoked with the session it replaced."""

    sid: str
    revoked_grants: tuple[str, ...]


class SessionStore:
    """The table of sessions.

    Args:
        database: Where it is.
        revokes: Which of a session's grants end with it.

    """

    def __init__(self, database: Database, revokes: Revokes) -> None:
        self._database = database
        self.revokes = revokes

    async def find(self, cookie_hash: bytes, now: datetime) -> Session | None:
        """The live session of a browser, while its user may log in."""
        return _to_session(await self._database.fetchrow(FIND, cookie_hash, now))

    async def find_by_sid(self, sid: str, now: datetime) -> Session | None:
        """The live session of that id."""
        return _to_session(await self._database.fetchrow(FIND_BY_SID, sid, now))

    async def list_of(self, sub: str, now: datetime) -> list[ListedSession]:
        """The live sessions of a user, last used first."""
        return [ListedSession(**row) for row in await self._database.fetch(LIST, sub, now)]

    async def begin(self, login: NewLogin, old_cookie_hash: bytes | None, revoked_until: datetime) -> Begun:
        """Store a login in place of what the browser had before.

        The same user keeps the session's sid and gets a new cookie; another user's session ends.

        Args:
            login: The login.
            old_cookie_hash: Of the cookie that the browser sent.
            revoked_until: How long revoked access tokens must be remembered.

        """
        async with self._database.transaction() as tx:
            old = await tx.fetchrow(LOCK_BY_COOKIE, old_cookie_hash, login.auth_time) if old_cookie_hash else None
            if old is not None and old["sub"] == login.sub:
                await _renew(tx, str(old["sid"]), login)
                return Begun(str(old["sid"]), ())
            ended_at, revokes = login.auth_time, self.revokes
            ended = [] if old is None else await tx.fetch(END, old["sid"], ended_at, revoked_until, revokes)
            await _insert(tx, login)
        return Begun(login.sid, tuple(row["grant_id"] for row in ended))

    async def end(self, sid: str, now: datetime, revoked_until: datetime) -> tuple[str, ...]:
        """End a session and revoke what was granted in it, in one statement; the grants' ids, to be announced."""
        rows = await self._database.fetch(END, sid, now, revoked_until, self.revokes)
        return tuple(row["grant_id"] for row in rows)

    async def end_all(self, sub: str, now: datetime, revoked_until: datetime) -> tuple[Sequence[str], tuple[str, ...]]:
        """The same for every session of a user, those that ran out too: the sids that lived, and the grants' ids."""
        row = await self._database.fetchrow(END_ALL, sub, now, revoked_until, self.revokes)
        return ((), ()) if row is None else (row["sids"], tuple(row["grant_ids"]))

    async def purge(self, now: datetime) -> None:
        """Delete sessions that are over."""
        await self._database.execute_until_done(PURGE, now)


async def _renew(tx: Transaction, sid: str, login: NewLogin) -> None:
    await tx.execute(
        RENEW,
        sid,
        login.cookie_hash,
        login.auth_time,
        login.acr,
        list(login.amr),
        login.user_agent,
        login.address,
        login.expires_at,
        methods_to_json(login.used),
    )


async def _insert(tx: Transaction, login: NewLogin) -> None:
    await tx.execute(
        INSERT,
        login.sid,
        login.cookie_hash,
        login.sub,
        login.auth_time,
        login.acr,
        list(login.amr),
        login.user_agent,
        login.address,
        login.expires_at,
        methods_to_json(login.used),
    )


def _to_session(row: Row | None) -> Session | None:
    if row is None:
        return None
    return Session(
        sid=row["sid"],
        sub=row["sub"],
        auth_time=row["auth_time"],
        acr=row["acr"],
        amr=tuple(row["amr"]),
        username=row["username"],
        name=row["name"],
        email=row["email"],
        zoneinfo=row["zoneinfo"],
        used=methods_from_json(row["methods"]),
    )

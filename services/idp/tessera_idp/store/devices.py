"""Browsers that accounts were used in, each known by the hash of a cookie that every login replaces."""

from dataclasses import dataclass
from datetime import datetime

from tessera_shared.db import Database

MOST = 50
"""How many an account may have; those not used for longest are forgotten."""

KNOWS = """
SELECT d.sub FROM idp.devices d JOIN idp.users u USING (sub)
WHERE d.cookie_hash = $1 AND d.expires_at > $3 AND (lower(u.username) = lower($2)
    OR (lower(u.claims ->> 'email') = lower($2) AND u.claims -> 'email_verified' = 'true'))
"""
MOVE = "UPDATE idp.devices SET cookie_hash = $2 WHERE cookie_hash = $1 AND expires_at > $3"
KEEP = """
INSERT INTO idp.devices (cookie_hash, sub, first_at, last_at, expires_at) VALUES ($1, $2, $3, $3, $4)
ON CONFLICT (cookie_hash, sub) DO UPDATE SET last_at = $3, expires_at = $4
RETURNING first_at = $3 AS is_new,
    EXISTS (SELECT FROM idp.devices d WHERE d.sub = $2 AND d.cookie_hash <> $1) AS has_others
"""
FORGET_SURPLUS = f"""
DELETE FROM idp.devices WHERE sub = $1 AND cookie_hash IN (
    SELECT cookie_hash FROM idp.devices WHERE sub = $1 ORDER BY last_at DESC OFFSET {MOST}
)
"""  # noqa: S608 - constants only
FORGET_OTHERS = "DELETE FROM idp.devices WHERE sub = $1 AND cookie_hash IS DISTINCT FROM $2"
PURGE = """
DELETE FROM idp.devices WHERE ctid = ANY (ARRAY(SELECT ctid FROM idp.devices WHERE expires_at < $1 LIMIT 5000))
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was known before a login: whether the account was new to the browser, and had other browsers."""

    is_new: bool
    has_others: bool


class DeviceStore:
    """The table of devices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def knows(self, cookie_hash: bytes, account: str, now: datetime) -> bool:
        """Whether the account of that username or verified e-mail address was used in that browser."""
        return await self._database.fetchval(KNOWS, cookie_hash, account, now) is not None

    async def keep(
        self, old_hash: bytes | None, new_hash: bytes, sub: str, now: datetime, expires_at: datetime
    ) -> Kept:
        """Remember a login in a browser, under a new cookie for every account that was used in it."""
        async with self._database.transaction() as tx:
            if old_hash is not None:
                await tx.execute(MOVE, old_hash, new_hash, now)
            row = await tx.fetchrow(KEEP, new_hash, sub, now, expires_at)
            await tx.execute(FORGET_SURPLUS, sub)
        return Kept(bool(row and row["is_new"]), bool(row and row["has_others"]))

    async def forget_others(self, sub: str, kept_hash: bytes | None) -> None:
        """Forget the account's browsers, but for one."""
        await self._database.execute(FORGET_OTHERS, sub, kept_hash)

    async def purge(self, now: datetime) -> None:
        """Delete those not used for long."""
        await self._database.execute_until_done(PURGE, now)

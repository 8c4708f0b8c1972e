"""Passkeys, and the random user handles under which authenticators keep them."""

from dataclasses import dataclass
from datetime import datetime

from tessera_idp.protocol.models import User
from tessera_idp.protocol.passkey import MOST_PASSKEYS, Passkey
from tessera_idp.protocol.passkey_ceremony import Asserted
from tessera_idp.store.users import to_user
from tessera_shared.db import Database, Row

_COLUMNS = (
    "p.credential_id, p.id, p.sub, p.name, p.public_key, p.sign_count, p.transports, p.backup_eligible, p.backed_up,"
    " p.created_at, p.last_used_at, p.suspected_at"
)
HANDLE = """
INSERT INTO idp.passkey_users (sub, handle) VALUES ($1, $2)
ON CONFLICT (sub) DO UPDATE SET handle = passkey_users.handle RETURNING handle
"""
FIND = f"""
SELECT {_COLUMNS}, h.handle, u.username, u.claims, u.disabled, u.updated_at
FROM idp.passkeys p JOIN idp.passkey_users h USING (sub) JOIN idp.users u USING (sub) WHERE p.credential_id = $1
"""  # noqa: S608 - constants only
OF_USER = f"SELECT {_COLUMNS} FROM idp.passkeys p WHERE p.sub = $1 ORDER BY p.created_at, p.id"  # noqa: S608 - constants only
ADD = f"""
WITH own AS (SELECT sub FROM idp.passkey_users WHERE sub = $3 FOR UPDATE)
INSERT INTO idp.passkeys (credential_id, id, sub, name, public_key, sign_count, transports, backup_eligible, backed_up,
    created_at)
SELECT $1, $2, sub, $4, $5, $6, $7, $8, $9, $10 FROM own
WHERE (SELECT count(*) FROM idp.passkeys WHERE sub = $3) < {MOST_PASSKEYS}
ON CONFLICT DO NOTHING RETURNING true
"""  # noqa: S608 - constants only
USE = """
UPDATE idp.passkeys SET sign_count = $2, backed_up = $3, last_used_at = $4
WHERE credential_id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0)) RETURNING true
"""
SUSPECT = "UPDATE idp.passkeys SET suspected_at = $2 WHERE credential_id = $1"
RENAME = "UPDATE idp.passkeys SET name = $3 WHERE sub = $1 AND id = $2 RETURNING true"
REMOVE = "DELETE FROM idp.passkeys WHERE sub = $1 AND id = $2 RETURNING name"


@dataclass(frozen=True, slots=True)
class UserWithPasskey:
    """A passkey, whose it is, and the handle the authenticator knows that user by."""

    user: User
    handle: bytes
    passkey: Passkey


class PasskeyStore:
    """The tables of passkeys and user handles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def handle(self, sub: str, new: bytes) -> bytes:
        """The user's handle: `new`, unless there is one."""
        return bytes(await self._database.fetchval(HANDLE, sub, new))

    async def find(self, credential_id: bytes) -> UserWithPasskey | None:
        """The passkey of that credential id."""
        row = await self._database.fetchrow(FIND, credential_id)
        return None if row is None else UserWithPasskey(to_user(row), row["handle"], _to_passkey(row))

    async def of_user(self, sub: str) -> tuple[Passkey, ...]:
        """A user's passkeys, oldest first."""
        return tuple(_to_passkey(row) for row in await self._database.fetch(OF_USER, sub))

    async def add(self, passkey: Passkey) -> bool:
        """Store a new one; False where its credential id is taken (WebAuthn §7.1 step 26) or the user has enough."""
        made = await self._database.fetchval(
            ADD,
            passkey.credential_id,
            passkey.id,
            passkey.sub,
            passkey.name,
            passkey.public_key,
            passkey.sign_count,
            list(passkey.transports),
            passkey.backup_eligible,
            passkey.backed_up,
            passkey.created_at,
        )
        return made is not None

    async def use(self, credential_id: bytes, asserted: Asserted, now: datetime) -> bool:
        """Note a use, or where the sign count did not grow the suspicion of a copy (WebAuthn §6.1.1); False then."""
        used = await self._database.fetchval(USE, credential_id, asserted.sign_count, asserted.backed_up, now)
        if used is None:
            await self._database.execute(SUSPECT, credential_id, now)
        return used is not None

    async def rename(self, sub: str, passkey_id: str, name: str) -> bool:
        """Name one of the user's own; False where there is none of that id."""
        return await self._database.fetchval(RENAME, sub, passkey_id, name) is not None

    async def remove(self, sub: str, passkey_id: str) -> str | None:
        """Remove one of the user's own; its name, or None where there is none of that id."""
        name: str | None = await self._database.fetchval(REMOVE, sub, passkey_id)
        return name


def _to_passkey(row: Row) -> Passkey:
    return Passkey(
        credential_id=row["credential_id"],
        id=row["id"],
        sub=row["sub"],
        name=row["name"],
        public_key=row["public_key"],
        sign_count=row["sign_count"],
        transports=tuple(row["transports"]),
        backup_eligible=row["backup_eligible"],
        backed_up=row["backed_up"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        suspected_at=row["suspected_at"],
    )

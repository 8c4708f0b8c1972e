"""Authenticator apps (RFC 6238): their secrets are sealed, and each step's code is accepted once."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tessera_shared.db import Database, Row
from tessera_shared.resealing import SealedColumn
from tessera_shared.rotating_key import RotatingKey

PURPOSE = b"tessera idp totp"
"""What the key that seals the secrets is derived for."""
MOST = 10
"""Authenticators of one user."""

LIST = "SELECT id, sub, name, secret, last_step, created_at, used_at FROM idp.totp WHERE sub = $1 ORDER BY created_at"
ADD = f"""
INSERT INTO idp.totp (id, sub, name, secret, last_step, created_at) SELECT $1, $2, $3, $4, $5, $6
WHERE (SELECT count(*) FROM idp.totp WHERE sub = $2) < {MOST} ON CONFLICT (id) DO NOTHING RETURNING id
"""  # noqa: S608 - constants only
ACCEPT = "UPDATE idp.totp SET last_step = $2, used_at = $3 WHERE id = $1 AND last_step < $2 RETURNING id"
HAS = "SELECT EXISTS (SELECT FROM idp.totp WHERE sub = $1)"
REMOVE = "DELETE FROM idp.totp WHERE sub = $1 AND id = $2 RETURNING name"
PAGE = "SELECT id, sub, secret AS sealed FROM idp.totp WHERE id > $1 ORDER BY id LIMIT $2"
RESEAL = "UPDATE idp.totp SET secret = $3 WHERE id = $1 AND secret = $2 RETURNING id"


@dataclass(frozen=True, slots=True)
class Authenticator:
    """An authenticator app of a user; `secret` is base32."""

    id: str
    name: str
    secret: str = field(repr=False)
    last_step: int
    created_at: datetime
    used_at: datetime | None


class TotpStore:
    """The table of authenticator apps.

    Args:
        database: The database.
        key: Seals the secrets.

    """

    def __init__(self, database: Database, key: RotatingKey) -> None:
        self._database = database
        self._key = key

    async def list_of(self, sub: str) -> tuple[Authenticator, ...]:
        """A user's authenticators, the oldest first.

        Raises:
            SealBroken: A secret was stored under a master key that is not accepted.

        """
        return tuple(self._to_authenticator(row) for row in await self._database.fetch(LIST, sub))

    async def has(self, sub: str) -> bool:
        """Whether the user has one."""
        return bool(await self._database.fetchval(HAS, sub))

    async def add(self, sub: str, authenticator: Authenticator) -> bool:
        """Store a confirmed authenticator; False where it is stored already, or the user has too many."""
        sealed = self._key.seal(authenticator.secret.encode(), _context(sub, authenticator.id))
        added = await self._database.fetchval(
            ADD,
            authenticator.id,
            sub,
            authenticator.name,
            sealed,
            authenticator.last_step,
            authenticator.created_at,
        )
        return added is not None

    async def accept(self, authenticator_id: str, step: int, now: datetime) -> bool:
        """Accept the code of a step, once (RFC 6238 §5.2); False where this or a later one was accepted before."""
        return await self._database.fetchval(ACCEPT, authenticator_id, step, now) is not None

    async def remove(self, sub: str, authenticator_id: str) -> str | None:
        """Remove a user's authenticator; its name, or None where there is none."""
        removed: str | None = await self._database.fetchval(REMOVE, sub, authenticator_id)
        return removed

    def _to_authenticator(self, row: Row) -> Authenticator:
        found = str(row["id"])
        secret = self._key.unseal(row["secret"], _context(row["sub"], found)).decode()
        return Authenticator(found, row["name"], secret, row["last_step"], row["created_at"], row["used_at"])


def sealed_authenticators(master_key: RotatingKey) -> SealedColumn:
    """The secrets, to be sealed anew."""
    key = master_key.derive(PURPOSE)
    return SealedColumn(PAGE, UUID(int=0), RESEAL, lambda row: _context(row["sub"], str(row["id"])), key)


def _context(sub: str, authenticator_id: str) -> bytes:
    return f"{sub} {authenticator_id}".encode()

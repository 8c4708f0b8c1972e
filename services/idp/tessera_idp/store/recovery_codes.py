"""Recovery codes, by their hashes; each is used once."""

from collections.abc import Collection
from datetime import datetime

from tessera_shared.db import Database

LEFT = "SELECT count(*) FROM idp.recovery_codes WHERE sub = $1 AND used_at IS NULL"
USE = "UPDATE idp.recovery_codes SET used_at = $3 WHERE sub = $1 AND hash = $2 AND used_at IS NULL RETURNING sub"
ADD = "INSERT INTO idp.recovery_codes (sub, hash, made_at) SELECT $1, unnest($2::bytea[]), $3"
ADD_FIRST = f"{ADD} WHERE NOT EXISTS (SELECT FROM idp.recovery_codes WHERE sub = $1) RETURNING sub"
LOCK = "SELECT sub FROM idp.users WHERE sub = $1 FOR UPDATE"
REMOVE = "DELETE FROM idp.recovery_codes WHERE sub = $1"


class RecoveryCodeStore:
    """The table of recovery codes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def left(self, sub: str) -> int:
        """How many the user has not used."""
        return int(await self._database.fetchval(LEFT, sub))

    async def use(self, sub: str, digest: bytes, now: datetime) -> bool:
        """Use a code, once; False where it is none of the user's, or was used."""
        return await self._database.fetchval(USE, sub, digest, now) is not None

    async def add_first(self, sub: str, digests: Collection[bytes], now: datetime) -> bool:
        """Store a user's first codes; False where the user has some, used or not."""
        async with self._database.transaction() as tx:
            await tx.execute(LOCK, sub)
            return await tx.fetchval(ADD_FIRST, sub, list(digests), now) is not None

    async def replace(self, sub: str, digests: Collection[bytes], now: datetime) -> None:
        """Store new codes; the old ones are void."""
        async with self._database.transaction() as tx:
            await tx.execute(LOCK, sub)
            await tx.execute(REMOVE, sub)
            await tx.execute(ADD, sub, list(digests), now)

    async def remove(self, sub: str) -> None:
        """Delete all codes of a user."""
        await self._database.execute(REMOVE, sub)

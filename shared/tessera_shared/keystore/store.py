"""SQL of the key ring. Private parts are sealed under the master key with the kid as context."""

import json
from datetime import datetime

from tessera_shared.db import Database, Row, Transaction
from tessera_shared.errors import StartupError
from tessera_shared.jose.algorithms import Key
from tessera_shared.keystore.ring import KeyRing, RingKey, deserialize_private, serialize_private
from tessera_shared.resealing import SealedColumn
from tessera_shared.rotating_key import RotatingKey
from tessera_shared.sealed import SealBroken

LOCK = 0x7E55E7B
"""The advisory lock under which keys are made and retired."""

COLUMNS = "kid, use, alg, private_part, created_at, active_from, retired_at, expires_at"
LOAD = f"SELECT {COLUMNS} FROM keys.ring WHERE expires_at IS NULL OR expires_at > $1 ORDER BY active_from DESC, kid"  # noqa: S608 - constants only
INSERT = """
INSERT INTO keys.ring (kid, use, alg, public_jwk, private_part, created_at, active_from, retired_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
RETIRE = "UPDATE keys.ring SET retired_at = $2, expires_at = $3 WHERE kid = $1 AND retired_at IS NULL"
RETIRE_EARLIER = """
UPDATE keys.ring SET retired_at = least(retired_at, $2), expires_at = least(expires_at, $3) WHERE kid = $1
"""
DELETE = "DELETE FROM keys.ring WHERE kid = $1"
PURGE = "DELETE FROM keys.ring WHERE expires_at < $1"
PAGE = "SELECT kid AS id, private_part AS sealed FROM keys.ring WHERE kid > $1 ORDER BY kid LIMIT $2"
REPLACE = "UPDATE keys.ring SET private_part = $3 WHERE kid = $1 AND private_part = $2 RETURNING kid"


class KeyStore:
    """The ring's rows, read by authz and idp, written by authz."""

    def __init__(self, database: Database, master_key: RotatingKey) -> None:
        self._database = database
        self._master_key = master_key
        self._opened: dict[tuple[str, bytes], Key] = {}

    async def load(self, now: datetime) -> KeyRing:
        """Every key that has not expired.

        Raises:
            StartupError: The master key does not open the stored keys.

        """
        rows = await self._database.fetch(LOAD, now)
        return KeyRing([self._to_key(row) for row in rows])

    async def load_locked(self, tx: Transaction, now: datetime) -> KeyRing:
        """The same, once no other replica is making keys; the lock is held until the transaction ends."""
        await tx.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
        return KeyRing([self._to_key(row) for row in await tx.fetch(LOAD, now)])

    async def add(self, tx: Transaction, key: RingKey) -> None:
        """Store a key that was just made."""
        public = None if key.key.key_type == "oct" else json.dumps(key.public_jwk())
        private = self._master_key.seal(serialize_private(key.key), key.kid.encode())
        await tx.execute(
            INSERT,
            key.kid,
            key.use,
            key.alg,
            public,
            private,
            key.created_at,
            key.active_from,
            key.retired_at,
            key.expires_at,
        )

    async def retire(self, tx: Transaction, kid: str, retired_at: datetime, expires_at: datetime) -> None:
        """Set the end of a key's signing and of its publication."""
        await tx.execute(RETIRE, kid, retired_at, expires_at)

    async def retire_earlier(self, tx: Transaction, kid: str, retired_at: datetime, expires_at: datetime) -> None:
        """The same, for a key that may have an end already: the earlier one counts."""
        await tx.execute(RETIRE_EARLIER, kid, retired_at, expires_at)

    async def remove(self, tx: Transaction, kid: str) -> None:
        """Delete a key: what it signed is not accepted any more."""
        await tx.execute(DELETE, kid)

    async def purge(self, tx: Transaction, before: datetime) -> None:
        """Delete keys that expired before that moment."""
        await tx.execute(PURGE, before)

    def _to_key(self, row: Row) -> RingKey:
        return RingKey(
            kid=row["kid"],
            use=row["use"],
            alg=row["alg"],
            key=self._open(row["kid"], row["private_part"]),
            created_at=row["created_at"],
            active_from=row["active_from"],
            retired_at=row["retired_at"],
            expires_at=row["expires_at"],
        )

    def _open(self, kid: str, sealed: bytes) -> Key:
        """Open a private part, each once: the checks of a 4096-bit RSA key hold everything up for 300 ms."""
        key = self._opened.get((kid, sealed))
        if key is None:
            try:
                key = deserialize_private(self._master_key.unseal(sealed, kid.encode()))
            except SealBroken as error:
                raise StartupError(f"keys: the master key does not open the stored key {kid}") from error
            self._opened[kid, sealed] = key
        return key


def sealed_ring(master_key: RotatingKey) -> SealedColumn:
    """The private parts, to be sealed anew."""
    return SealedColumn(PAGE, "", REPLACE, lambda row: str(row["id"]).encode(), master_key)

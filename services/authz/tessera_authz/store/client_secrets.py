"""A client's secrets, several of which may be valid at once, in the caller's transaction."""

from datetime import datetime
from uuid import UUID, uuid4

from tessera_authz.store.clients import ClientSecret
from tessera_shared.db import Database, Row, Transaction
from tessera_shared.resealing import SealedColumn
from tessera_shared.secret_sealer import SecretSealer

LIST = """
SELECT id, hash, created_at, expires_at, replaced_at FROM authz.client_secrets
WHERE client_id = $1 ORDER BY created_at DESC, id
"""
COUNT_VALID = (
    "SELECT count(*) FROM authz.client_secrets WHERE client_id = $1 AND (expires_at IS NULL OR expires_at > $2)"
)
INSERT = """
INSERT INTO authz.client_secrets (id, client_id, hash, sealed, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
"""
REPLACE = """
UPDATE authz.client_secrets SET expires_at = least(expires_at, $2), replaced_at = coalesce(replaced_at, $3)
WHERE client_id = $1 AND (expires_at IS NULL OR expires_at > $3) RETURNING expires_at
"""
DELETE = "DELETE FROM authz.client_secrets WHERE client_id = $1 AND id = $2 RETURNING id"
DELETE_ALL = "DELETE FROM authz.client_secrets WHERE client_id = $1"
PURGE = "DELETE FROM authz.client_secrets WHERE expires_at < $1"
PAGE = """
SELECT id, sealed, client_id FROM authz.client_secrets WHERE id > $1 AND sealed IS NOT NULL ORDER BY id LIMIT $2
"""
RESEAL = "UPDATE authz.client_secrets SET sealed = $3 WHERE id = $1 AND sealed = $2 RETURNING id"


async def add(tx: Transaction, client_id: str, secret: ClientSecret, now: datetime) -> UUID:
    """Store a secret beside those that are there."""
    secret_id = uuid4()
    await tx.execute(INSERT, secret_id, client_id, secret.hash, secret.sealed, now, secret.expires_at)
    return secret_id


async def count_valid(tx: Transaction, client_id: str, now: datetime) -> int:
    """How many secrets the client could use now."""
    return int(await tx.fetchval(COUNT_VALID, client_id, now))


async def replace_all(tx: Transaction, client_id: str, ends_at: datetime, now: datetime) -> datetime | None:
    """Let every valid secret end at `ends_at`, or earlier where it ends earlier; when the last of them ends."""
    ends = [row["expires_at"] for row in await tx.fetch(REPLACE, client_id, ends_at, now)]
    return max(ends, default=None)


async def remove(tx: Transaction, client_id: str, secret_id: UUID) -> bool:
    """Remove one secret at once; False where the client has no such secret."""
    return await tx.fetchval(DELETE, client_id, secret_id) is not None


async def remove_all(tx: Transaction, client_id: str) -> None:
    """Remove every secret: the client does not use one any more."""
    await tx.execute(DELETE_ALL, client_id)


async def list_all(database: Database, client_id: str) -> list[Row]:
    """Id, stored form and times of each secret, the newest first."""
    return list(await database.fetch(LIST, client_id))


async def purge(database: Database, before: datetime) -> None:
    """Forget secrets that ended before that moment."""
    await database.execute(PURGE, before)


def sealed_secrets(sealer: SecretSealer) -> SealedColumn:
    """The readable ones, to be sealed anew."""
    return SealedColumn(PAGE, UUID(int=0), RESEAL, lambda row: str(row["client_id"]).encode(), sealer.key)

"""The key of pairwise subjects (OpenID Connect Core §8.1): stored once, sealed, the same whatever the master key is.

Installations from before it was stored had it derived from their master key; they keep the one that they had.
"""

import os

from tessera_shared import clock
from tessera_shared.db import Database, Row, Transaction
from tessera_shared.errors import StartupError
from tessera_shared.keystore.store import LOCK
from tessera_shared.resealing import SealedColumn
from tessera_shared.rotating_key import RotatingKey
from tessera_shared.sealed import KEY_BYTES, SealBroken, derive_key

NAME = "pairwise subjects"

LOAD = "SELECT sealed FROM keys.lasting WHERE name = $1"
INSERT = "INSERT INTO keys.lasting (name, sealed, created_at) VALUES ($1, $2, $3)"
OLDEST = "SELECT kid, private_part FROM keys.ring ORDER BY created_at, kid LIMIT 1"
PAGE = "SELECT name AS id, sealed FROM keys.lasting WHERE name > $1 ORDER BY name LIMIT $2"
REPLACE = "UPDATE keys.lasting SET sealed = $3 WHERE name = $1 AND sealed = $2 RETURNING name"

_PURPOSE = b"tessera pairwise subjects"


async def ensure_subject_key(database: Database, master_key: RotatingKey) -> bytes:
    """The key, stored here if it is not yet; of many replicas that start at once, one stores it.

    Raises:
        StartupError: The master key opens neither it nor the stored keys.

    """
    async with database.transaction() as tx:
        await tx.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
        stored = await tx.fetchrow(LOAD, NAME)
        if stored is not None:
            return _open(master_key, stored)
        key = await _before_it_was_stored(tx, master_key) or os.urandom(KEY_BYTES)
        await tx.execute(INSERT, NAME, master_key.seal(key, NAME.encode()), clock.now())
        return key


async def load_subject_key(database: Database, master_key: RotatingKey) -> bytes:
    """The key that authz stored, or will store when it is of this release too.

    Raises:
        StartupError: As `ensure_subject_key`, or authz has made no keys yet.

    """
    stored = await database.fetchrow(LOAD, NAME)
    if stored is not None:
        return _open(master_key, stored)
    key = await _before_it_was_stored(database, master_key)
    if key is None:
        raise StartupError("keys: authz has not stored the key of pairwise subjects; is it running?")
    return key


def sealed_lasting(master_key: RotatingKey) -> SealedColumn:
    """The column, to be sealed anew."""
    return SealedColumn(PAGE, "", REPLACE, lambda row: str(row["id"]).encode(), master_key)


def _open(master_key: RotatingKey, stored: Row) -> bytes:
    try:
        return master_key.unseal(stored["sealed"], NAME.encode())
    except SealBroken as error:
        raise StartupError("keys: the master key does not open the stored key of pairwise subjects") from error


async def _before_it_was_stored(source: Database | Transaction, master_key: RotatingKey) -> bytes | None:
    """What the installation's first master key makes; None where there is no installation yet."""
    oldest = await source.fetchrow(OLDEST)
    if oldest is None:
        return None
    try:
        first = master_key.opener(oldest["private_part"], oldest["kid"].encode())
    except SealBroken as error:
        raise StartupError(f"keys: the master key does not open the stored key {oldest['kid']}") from error
    return derive_key(first, _PURPOSE)

"""The database schema: numbered, forward-only SQL files, applied once each under a lock.

`python -m tessera_shared.schema --config configs/migrate.yml` is the migrate step; services only check the version.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources

from tessera_shared.db import Database, Transaction
from tessera_shared.errors import StartupError

LOCK = 0x7E55E7A
"""The advisory lock that one migrate step holds while others wait."""

CREATE_HISTORY = """
CREATE TABLE IF NOT EXISTS public.schema_history (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON public.schema_history TO tessera_authz, tessera_idp, tessera_rs;
"""
APPLIED = "SELECT version, name, checksum FROM public.schema_history ORDER BY version"
RECORD = "INSERT INTO public.schema_history (version, name, checksum) VALUES ($1, $2, $3)"
VERSIONS = "SELECT version FROM public.schema_history"
HISTORY_EXISTS = "SELECT to_regclass('public.schema_history') IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, so that a file changed after the fact is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations of this release, in order."""
    files = [entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".sql")]
    found = [Migration(int(file.name[:4]), file.name, file.read_text(encoding="utf-8")) for file in files]
    return sorted(found, key=lambda migration: migration.version)


async def lock(tx: Transaction) -> None:
    """Wait for every other migrate step; held until the transaction ends."""
    await tx.execute(f"SELECT pg_advisory_xact_lock({LOCK})")


async def migrate(tx: Transaction) -> list[Migration]:
    """Apply what is missing and return it; the caller's transaction makes it all or nothing.

    Raises:
        StartupError: An applied file was changed, or the database is newer than this release.

    """
    await lock(tx)
    await tx.execute(CREATE_HISTORY)
    known = {migration.version: migration for migration in migrations()}
    applied = await tx.fetch(APPLIED)
    for row in applied:
        migration = known.get(row["version"])
        if migration is None:
            raise StartupError(f"schema: the database holds {row['name']}, which this release does not know")
        if migration.checksum != row["checksum"]:
            raise StartupError(f"schema: {row['name']} was changed after it was applied")
    missing = [migration for version, migration in known.items() if version not in {row["version"] for row in applied}]
    for migration in missing:
        await tx.execute(migration.sql)
        await tx.execute(RECORD, migration.version, migration.name, migration.checksum)
    return missing


async def check_version(database: Database) -> None:
    """Refuse to start on a schema that lacks a migration of this release, be it the newest or one before it.

    Raises:
        StartupError: Says what is missing and what to run.

    """
    exists = await database.fetchval(HISTORY_EXISTS)
    applied = {row["version"] for row in await database.fetch(VERSIONS)} if exists else set()
    missing = [migration.name for migration in migrations() if migration.version not in applied]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise StartupError(
            f"schema: {missing[0]}{more} not applied; run python -m tessera_shared.schema --config configs/migrate.yml"
        )

"""The migrate step: login roles with their passwords, then every missing migration."""

import argparse
import asyncio
import sys
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from tessera_shared import logging
from tessera_shared.config import Database, Log, Section, load, read_secret
from tessera_shared.db import Transaction, connect
from tessera_shared.errors import StartupError, Unavailable
from tessera_shared.schema import lock, migrate

ROLE_EXISTS = "SELECT true FROM pg_roles WHERE rolname = $1"
QUOTED = "SELECT format('%I', $1::text) AS name, quote_literal($2::text) AS password"


class Roles(Section):
    """The password files of the services' database roles."""

    authz_password_file: Path
    idp_password_file: Path
    rs_password_file: Path


class MigrateConfig(BaseSettings):
    """The migrate step's configuration: the database's owner, and the roles to make."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_nested_delimiter="__")

    log: Log = Log()
    database: Database
    roles: Roles


def main() -> int:
    """Run the step; one clear line and status 1 on failure."""
    parser = argparse.ArgumentParser(prog="python -m tessera_shared.schema", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="path of migrate.yml")
    path = parser.parse_args().config
    try:
        asyncio.run(_run(load(MigrateConfig, path, "TESSERA_MIGRATE_")))
    except (StartupError, Unavailable) as error:
        print(f"tessera migrate: {error}", file=sys.stderr)  # noqa: T201 - the log may not be configured yet
        return 1
    return 0


async def _run(config: MigrateConfig) -> None:
    logging.configure(config.log, "migrate")
    database = await connect(config.database)
    try:
        async with database.transaction() as tx:
            await lock(tx)
            await _make_roles(tx, config.roles)
            applied = await migrate(tx)
    finally:
        await database.close()
    logging.get().info("schema up to date", applied=[migration.name for migration in applied])


async def _make_roles(tx: Transaction, roles: Roles) -> None:
    """One login role per service, with no right but those that migrations grant."""
    passwords = {
        "tessera_authz": read_secret(roles.authz_password_file),
        "tessera_idp": read_secret(roles.idp_password_file),
        "tessera_rs": read_secret(roles.rs_password_file),
    }
    for role, password in passwords.items():
        quoted = await tx.fetchrow(QUOTED, role, password)
        verb = "ALTER" if await tx.fetchval(ROLE_EXISTS, role) else "CREATE"
        if quoted is not None:
            await tx.execute(f"{verb} ROLE {quoted['name']} LOGIN PASSWORD {quoted['password']}")


if __name__ == "__main__":
    sys.exit(main())

"""What commands work with: the same database, Redis and keys as the service, with the service's own rights."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tessera_authz.client_registry import ClientRegistry
from tessera_authz.config import AuthzConfig
from tessera_authz.grants import GRANTS
from tessera_authz.protocol.registration_policy import STRICTNESS, Bounds
from tessera_authz.registration_settings import registry_rules
from tessera_authz.store import registration, scopes
from tessera_authz.store.grants import GrantStore
from tessera_authz.store.registration import StoredClient
from tessera_authz.tokens.revoke import GrantRevoker
from tessera_shared import db, redis, schema
from tessera_shared.audit import Actor
from tessera_shared.command_line import CommandError, operator
from tessera_shared.config import load
from tessera_shared.db import Database, Transaction
from tessera_shared.redis import Redis
from tessera_shared.revocation.view import RevocationView
from tessera_shared.rotating_key import RotatingKey, load_master_key
from tessera_shared.secret_sealer import SecretSealer


@dataclass(frozen=True, slots=True)
class Work:
    """What a command works with."""

    config: AuthzConfig
    database: Database
    redis: Redis
    master_key: RotatingKey
    registry: ClientRegistry
    sealer: SecretSealer
    actor: Actor

    async def bounds(self) -> Bounds:
        """What an administrator may give a client: everything that exists."""
        known = scopes.names(await scopes.load(self.database))
        return Bounds(known, tuple(GRANTS), STRICTNESS[0])


@asynccontextmanager
async def open_work(path: Path) -> AsyncIterator[Work]:
    """Open it.

    Raises:
        StartupError: As at the service's start.

    """
    config = load(AuthzConfig, path, "TESSERA_AUTHZ_")
    master_key = load_master_key(config.keys.master_key_file, config.keys.further_master_key_files)
    database = await db.connect(config.database)
    try:
        await schema.check_version(database)
        broker = await redis.connect(config.redis)
        sealer = SecretSealer(master_key)
        view = RevocationView(database, broker)
        revoker = GrantRevoker(database, GrantStore(database), view, broker, config.lifetimes.revocation)
        registry = ClientRegistry(database, revoker, registry_rules(config), sealer.seal)
        yield Work(config, database, broker, master_key, registry, sealer, operator("authz"))
        await broker.close()
    finally:
        await database.close()


async def lock_client(tx: Transaction, client_id: str) -> StoredClient:
    """The client, held until the transaction ends.

    Raises:
        CommandError: There is none.

    """
    found = await registration.lock(tx, client_id)
    if found is None:
        raise CommandError(f"there is no client {client_id}")
    return found

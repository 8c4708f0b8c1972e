"""What commands work with: the same database and Redis as the service, with the service's own rights."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tessera_idp.config import PREFIX, IdpConfig
from tessera_idp.protocol.models import User
from tessera_idp.store import user_list
from tessera_idp.store.access_tokens import revocation_lifetime
from tessera_shared import clock, db, redis, schema
from tessera_shared.audit import Actor
from tessera_shared.command_line import CommandError, operator
from tessera_shared.config import load
from tessera_shared.db import Database
from tessera_shared.redis import Redis
from tessera_shared.revocation import durable
from tessera_shared.revocation.entry import Revocation


@dataclass(frozen=True, slots=True)
class Work:
    """What a command works with."""

    config: IdpConfig
    database: Database
    redis: Redis
    actor: Actor

    async def revoked_until(self, now: datetime) -> datetime:
        """How long revoked access tokens must be remembered."""
        return now + await revocation_lifetime(self.database)

    async def announce(self, grants: Sequence[str]) -> None:
        """Tell every verifier of grants that were revoked durably."""
        now = clock.now()
        lifetime = await revocation_lifetime(self.database)
        revocations = [Revocation("grant_id", grant, now + lifetime) for grant in grants]
        await durable.announce(self.redis, revocations, lifetime, now)

    async def find_user(self, user: str) -> User:
        """The user of that name or subject identifier.

        Raises:
            CommandError: There is none.

        """
        found = await user_list.find(self.database, user)
        if found is None:
            raise CommandError(f"there is no user {user}")
        return found


@asynccontextmanager
async def open_work(path: Path) -> AsyncIterator[Work]:
    """Open it.

    Raises:
        StartupError: As at the service's start.

    """
    config = load(IdpConfig, path, PREFIX)
    database = await db.connect(config.database)
    try:
        await schema.check_version(database)
        broker = await redis.connect(config.redis)
        yield Work(config, database, broker, operator("idp"))
        await broker.close()
    finally:
        await database.close()

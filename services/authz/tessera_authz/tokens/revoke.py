"""Revoking a grant or a token: durable first, then known here, then announced."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tessera_authz.store.grants import GrantStore
from tessera_shared import audit, clock, logging
from tessera_shared.audit import Actor, Event
from tessera_shared.db import Database
from tessera_shared.redis import Redis
from tessera_shared.revocation import durable
from tessera_shared.revocation.entry import Revocation
from tessera_shared.revocation.view import RevocationView


@dataclass(frozen=True, slots=True)
class GrantRevoker:
    """Revokes; when a call returns, no replica that can reach a store accepts what was revoked."""

    database: Database
    grants: GrantStore
    view: RevocationView
    redis: Redis
    matters_for: timedelta
    """How long a revocation matters: longer than any access token lives."""

    async def revoke(self, grant_id: str, reason: str, by: Actor) -> None:
        """Revoke a grant with its codes, refresh tokens and access tokens.

        Args:
            grant_id: The grant.
            reason: Why, for the log.
            by: Who causes it.

        """
        now = clock.now()
        until = now + self.matters_for
        if await self.grants.revoke(grant_id, now, until):
            logging.get().info("grant revoked", grant_id=grant_id, reason=reason)
            await audit.record(self.database, by, Event("grant.revoked", grant_id, details={"reason": reason}))
        # announced even when it was listed before: the first announcement may have been lost
        await self._tell(Revocation("grant_id", grant_id, until), now)

    async def revoke_access_token(self, jti: str, expires_at: datetime) -> None:
        """Revoke one access token."""
        now = clock.now()
        revocation = Revocation("jti", jti, expires_at + timedelta(seconds=120))
        await durable.add(self.database, revocation)
        logging.get().info("access token revoked", jti=jti)
        await self._tell(revocation, now)

    async def announce_client(self, client_id: str) -> None:
        """Tell that a client's access tokens are revoked, which was recorded with its deletion."""
        now = clock.now()
        await self._tell(Revocation("client_id", client_id, now + self.matters_for), now)

    async def _tell(self, revocation: Revocation, now: datetime) -> None:
        self.view.add(revocation)
        await durable.announce(self.redis, [revocation], self.matters_for, now)

"""The few columns of clients that logout may read."""

import json

from tessera_idp.protocol.models import LogoutClient
from tessera_shared.db import Database

FIND = "SELECT client_id, client_name, post_logout_redirect_uris FROM authz.client_logout WHERE client_id = $1"
FRAMES = "SELECT uri FROM authz.frontchannel_logout WHERE sid = $1 ORDER BY client_id"


class LogoutClientStore:
    """The view of clients."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, client_id: str) -> LogoutClient | None:
        """The client of that id."""
        row = await self._database.fetchrow(FIND, client_id)
        if row is None:
            return None
        uris = json.loads(row["post_logout_redirect_uris"] or "[]") or []
        return LogoutClient(row["client_id"], row["client_name"] or row["client_id"], tuple(uris))

    async def frontchannel_uris(self, sid: str) -> tuple[str, ...]:
        """The frontchannel_logout_uri of each client that got something in the session (Front-Channel Logout §2)."""
        return tuple(row["uri"] for row in await self._database.fetch(FRAMES, sid))

"""Clients and their secrets, remembered in the process and forgotten within a second of a change anywhere."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from tessera_authz.protocol.client import Client
from tessera_shared import clock, logging
from tessera_shared.db import Database, Row, Transaction
from tessera_shared.errors import Unavailable

CHANNEL = "client_changed"

LOAD = """
SELECT c.metadata, c.document_fresh_until, ARRAY(
    SELECT s.name FROM authz.scopes s WHERE s.name = ANY (string_to_array(c.metadata ->> 'scope', ' '))
) AS existing_scopes FROM authz.clients c WHERE c.client_id = $1
"""
LOAD_SECRETS = """
SELECT hash, sealed, expires_at, replaced_at FROM authz.client_secrets
WHERE client_id = $1 ORDER BY created_at DESC
"""
INSERT = """
INSERT INTO authz.clients (client_id, metadata, created_at, updated_at) VALUES ($1, $2, $3, $3)
ON CONFLICT (client_id) DO NOTHING RETURNING client_id
"""
INSERT_SECRET = """
INSERT INTO authz.client_secrets (id, client_id, hash, sealed, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
"""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A stored secret: a hash, and when it ends.

    Attributes:
        sealed: For client_secret_jwt, which needs the secret itself: the secret, encrypted.
        replaced_at: When a newer one took its place, beside which it works until it ends.

    """

    hash: str
    expires_at: datetime | None
    sealed: bytes | None = None
    replaced_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A client with its secrets, newest first."""

    client: Client
    secrets: Sequence[ClientSecret]
    fresh_until: datetime | None = None
    """Of a client ID metadata document."""

    def valid_secrets(self, now: datetime) -> list[ClientSecret]:
        """Those that have not ended."""
        return [secret for secret in self.secrets if secret.expires_at is None or now < secret.expires_at]


Renew = Callable[[str, datetime | None, datetime], Awaitable[bool]]
"""Fetches and stores the metadata document that a client_id is the address of; False where it is no address of one."""


class ClientDirectory:
    """Finds clients. Remembers them only while it listens for changes."""

    def __init__(self, database: Database, on_change: Callable[[str | None], None], renew: Renew | None = None) -> None:
        self._database = database
        self._renew = renew
        self._on_change = on_change
        self._records: dict[str, ClientRecord] = {}
        self._listening = False
        self._generation = 0
        self._used: set[str] = set()

    async def find(self, client_id: str) -> ClientRecord | None:
        """The client of that id, whose metadata document is fetched where the id is the address of one.

        Raises:
            OAuthError: invalid_client, for a document that cannot be used.

        """
        record, now = await self.find_known(client_id), clock.now()
        fresh_until = None if record is None else record.fresh_until
        if self._renew is None or (record is not None and (fresh_until is None or now < fresh_until)):
            return record
        if not await self._renew(client_id, fresh_until, now):
            return record
        self._forget(client_id)
        return await self.find_known(client_id)

    async def find_known(self, client_id: str) -> ClientRecord | None:
        """The same, as it is known here: nothing is fetched."""
        if self._listening and client_id in self._records:
            return self._records[client_id]
        generation = self._generation
        record = await self._load(client_id)
        if record and self._listening and generation == self._generation:
            self._records[client_id] = record
        return record

    def note_use(self, client_id: str) -> None:
        """Remember that a client was used just now."""
        self._used.add(client_id)

    def take_uses(self) -> list[str]:
        """The clients that were used since the last call, to be written down."""
        used, self._used = self._used, set()
        return list(used)

    async def follow_changes(self) -> None:
        """Forget what changes, until cancelled; while changes cannot be heard, nothing is remembered."""
        while True:
            try:
                await self._database.listen(CHANNEL, self._changed, self._connected)
            except Unavailable as error:
                self._listening = False
                self._forget(None)
                logging.get().warning("clients: changes cannot be heard, asking each time", reason=str(error))
                await asyncio.sleep(1.0)

    def _connected(self) -> None:
        self._forget(None)
        self._listening = True

    def _changed(self, client_id: str) -> None:
        """An empty id: something changed that concerns every client."""
        self._forget(client_id or None)

    def _forget(self, client_id: str | None) -> None:
        self._generation += 1
        if client_id is None:
            self._records.clear()
        else:
            self._records.pop(client_id, None)
        self._on_change(client_id)

    async def _load(self, client_id: str) -> ClientRecord | None:
        if "\x00" in client_id:
            return None
        row = await self._database.fetchrow(LOAD, client_id)
        if row is None:
            return None
        secrets = await self._database.fetch(LOAD_SECRETS, client_id)
        client = Client.from_metadata(client_id, json.loads(row["metadata"]))
        # a scope that was removed since is none that the client may have
        scope = tuple(token for token in client.scope if token in row["existing_scopes"])
        stored = [_to_secret(secret) for secret in secrets]
        return ClientRecord(replace(client, scope=scope), stored, row["document_fresh_until"])


async def add(
    tx: Transaction, client_id: str, metadata: dict[str, object], secret: ClientSecret | None, now: datetime
) -> bool:
    """Store a new client; False, and nothing changed, where the id is taken."""
    if await tx.fetchval(INSERT, client_id, json.dumps(metadata), now) is None:
        return False
    if secret is not None:
        await tx.execute(INSERT_SECRET, uuid4(), client_id, secret.hash, secret.sealed, now, secret.expires_at)
    return True


def _to_secret(row: Row) -> ClientSecret:
    return ClientSecret(row["hash"], row["expires_at"], row["sealed"], row["replaced_at"])

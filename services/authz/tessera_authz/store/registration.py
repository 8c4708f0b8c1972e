"""Registered clients as registration and operators change them, in the caller's transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from tessera_authz.protocol.registration_policy import Bounds
from tessera_shared.db import Database, Row, Transaction

_SHOWN = ("client_name", "client_uri", "logo_uri", "redirect_uris", "application_type")

Origin = Literal["administrator", "registration", "document"]

COUNT = """
INSERT INTO authz.registrations AS r (source, hour, count) VALUES ($1, date_trunc('hour', $2::timestamptz), 1)
ON CONFLICT (source, hour) DO UPDATE SET count = r.count + 1 WHERE r.count < $3 RETURNING count
"""
INSERT = """
INSERT INTO authz.clients
    (client_id, metadata, origin, bounds, registration_token_hash, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (client_id) DO NOTHING RETURNING client_id
"""
_COLUMNS = "client_id, metadata, origin, bounds, created_at, updated_at, document_fresh_until"
FIND = f"SELECT {_COLUMNS} FROM authz.clients WHERE client_id = $1"  # noqa: S608 - constants only
LOCK = f"{FIND} FOR NO KEY UPDATE"
LIST = f"SELECT {_COLUMNS} FROM authz.clients ORDER BY created_at, client_id"  # noqa: S608 - constants only
FIND_BY_TOKEN = f"{FIND} AND registration_token_hash = $2"
LOCK_BY_TOKEN = f"{FIND_BY_TOKEN} FOR NO KEY UPDATE"
UPDATE = "UPDATE authz.clients SET metadata = $2, bounds = $3, updated_at = $4 WHERE client_id = $1"
FORGET_CONSENT = "DELETE FROM authz.consents WHERE client_id = $1"
STORE_DOCUMENT = """
INSERT INTO authz.clients (client_id, metadata, origin, created_at, updated_at, document_fresh_until)
VALUES ($1, $2, 'document', $3, $3, $4)
ON CONFLICT (client_id) DO UPDATE SET metadata = excluded.metadata, updated_at = excluded.updated_at,
    document_fresh_until = excluded.document_fresh_until WHERE clients.origin = 'document'
"""
DELETE = """
WITH gone AS (DELETE FROM authz.clients WHERE client_id = $1 RETURNING client_id)
INSERT INTO revocation.entries (kind, value, expires_at) SELECT 'client_id', client_id, $2 FROM gone
ON CONFLICT (kind, value) DO UPDATE
SET expires_at = greatest(entries.expires_at, excluded.expires_at), revoked_at = excluded.revoked_at
RETURNING value
"""
IS_STILL_REVOKED = "SELECT expires_at FROM revocation.entries WHERE kind = 'client_id' AND value = $1"
PURGE_UNUSED = """
DELETE FROM authz.clients c WHERE c.origin <> 'administrator' AND c.created_at < $1
AND NOT EXISTS (SELECT 1 FROM authz.client_uses u WHERE u.client_id = c.client_id AND u.used_at >= $1)
RETURNING c.client_id
"""
PURGE_COUNTS = "DELETE FROM authz.registrations WHERE hour < $1"
NOTE_USES = """
INSERT INTO authz.client_uses AS u (client_id, used_at)
SELECT client_id, $2 FROM authz.clients WHERE client_id = ANY($1::text[]) AND origin <> 'administrator'
ON CONFLICT (client_id) DO UPDATE SET used_at = greatest(u.used_at, excluded.used_at)
"""


@dataclass(frozen=True, slots=True)
class StoredClient:
    """A client as it is stored."""

    client_id: str
    metadata: Mapping[str, Any]
    origin: Origin
    bounds: Bounds | None
    created_at: datetime
    updated_at: datetime
    fresh_until: datetime | None = None
    """Of a client ID metadata document."""


async def count(tx: Transaction, source: str, limit: int, now: datetime) -> bool:
    """Count one registration of this hour; False, and nothing counted, where there were as many as may be."""
    return await tx.fetchval(COUNT, source, now, limit) is not None


async def add(tx: Transaction, client: StoredClient, token_hash: bytes | None) -> bool:
    """Store a new client; False where the id is taken."""
    bounds = None if client.bounds is None else json.dumps(client.bounds.to_stored())
    metadata = json.dumps(client.metadata)
    row = await tx.fetchval(INSERT, client.client_id, metadata, client.origin, bounds, token_hash, client.created_at)
    return row is not None


async def find(database: Database, client_id: str) -> StoredClient | None:
    """The client of that id."""
    return _to_client(await database.fetchrow(FIND, client_id))


async def find_by_token(database: Database, client_id: str, token_hash: bytes) -> StoredClient | None:
    """The client of that id, if the registration access token is its own (RFC 7592 §3)."""
    return _to_client(await database.fetchrow(FIND_BY_TOKEN, client_id, token_hash))


async def lock(tx: Transaction, client_id: str, token_hash: bytes | None = None) -> StoredClient | None:
    """The same, by id or by token too, once nobody else is changing it; held until the transaction ends."""
    if token_hash is None:
        return _to_client(await tx.fetchrow(LOCK, client_id))
    return _to_client(await tx.fetchrow(LOCK_BY_TOKEN, client_id, token_hash))


async def list_all(database: Database) -> list[StoredClient]:
    """Every client, the oldest first."""
    return [client for row in await database.fetch(LIST) if (client := _to_client(row)) is not None]


async def replace(
    tx: Transaction, client_id: str, metadata: Mapping[str, Any], bounds: Bounds | None, now: datetime
) -> None:
    """Store other metadata and bounds."""
    stored = None if bounds is None else json.dumps(bounds.to_stored())
    await tx.execute(UPDATE, client_id, json.dumps(metadata), stored, now)


async def store_document(
    tx: Transaction, client_id: str, metadata: Mapping[str, Any], now: datetime, fresh_until: datetime
) -> None:
    """Store what a client ID metadata document says; a client that an administrator made is left alone."""
    await tx.execute(STORE_DOCUMENT, client_id, json.dumps(metadata), now, fresh_until)


def shows_other(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether users see something else, or are sent elsewhere: whoever consented to the old is asked again."""
    return any(old.get(name) != new.get(name) for name in _SHOWN)


async def forget_consent(tx: Transaction, client_id: str) -> None:
    """Let every user be asked again."""
    await tx.execute(FORGET_CONSENT, client_id)


async def delete(tx: Transaction, client_id: str, access_tokens_until: datetime) -> bool:
    """Delete a client with everything of it, and list its access tokens as revoked; False where it is not there."""
    return await tx.fetchval(DELETE, client_id, access_tokens_until) is not None


async def revoked_until(tx: Transaction, client_id: str) -> datetime | None:
    """Until when tokens of a client of that id are refused, because it was deleted."""
    until: datetime | None = await tx.fetchval(IS_STILL_REVOKED, client_id)
    return until


async def note_uses(database: Database, client_ids: list[str], now: datetime) -> None:
    """Remember that these clients were used, as far as nobody looks after them."""
    await database.execute(NOTE_USES, client_ids, now)


async def purge(tx: Transaction, unused_since: datetime, now: datetime) -> list[str]:
    """Delete clients that registered themselves and were not used since; their ids."""
    await tx.execute(PURGE_COUNTS, now - timedelta(hours=2))
    return [row["client_id"] for row in await tx.fetch(PURGE_UNUSED, unused_since)]


def _to_client(row: Row | None) -> StoredClient | None:
    if row is None:
        return None
    bounds = None if row["bounds"] is None else Bounds.from_stored(json.loads(row["bounds"]))
    metadata = json.loads(row["metadata"])
    return StoredClient(
        client_id=row["client_id"],
        metadata=metadata,
        origin=row["origin"],
        bounds=bounds,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        fresh_until=row["document_fresh_until"],
    )

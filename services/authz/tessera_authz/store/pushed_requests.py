"""Pushed authorization requests, known by the hash of their request_uri."""

import json
from dataclasses import asdict
from datetime import datetime

from tessera_authz.protocol.authorization_request import AuthorizationRequest
from tessera_shared.db import Database

INSERT = """
INSERT INTO authz.pushed_requests (uri_hash, client_id, parameters, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5)
"""
FIND = """
SELECT parameters FROM authz.pushed_requests
WHERE uri_hash = $1 AND client_id = $2 AND consumed_at IS NULL AND expires_at > $3
"""
CONSUME = """
UPDATE authz.pushed_requests SET consumed_at = $2 WHERE uri_hash = $1 AND consumed_at IS NULL RETURNING true
"""
PURGE = """
DELETE FROM authz.pushed_requests WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM authz.pushed_requests WHERE expires_at < $1 LIMIT 5000
))
"""


class PushedRequestStore:
    """The table of pushed requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, uri_hash: bytes, request: AuthorizationRequest, now: datetime, expires_at: datetime) -> None:
        """Store a checked request."""
        parameters = json.dumps(asdict(request))
        await self._database.execute(INSERT, uri_hash, request.client_id, parameters, now, expires_at)

    async def find(self, uri_hash: bytes, client_id: str, now: datetime) -> AuthorizationRequest | None:
        """The request that this client pushed, while it is neither used up nor expired."""
        stored = await self._database.fetchval(FIND, uri_hash, client_id, now)
        return None if stored is None else AuthorizationRequest.from_stored(json.loads(stored))

    async def consume(self, uri_hash: bytes, now: datetime) -> bool:
        """Use a request up; False where it was used up before."""
        return bool(await self._database.fetchval(CONSUME, uri_hash, now))

    async def purge(self, before: datetime) -> None:
        """Forget requests that expired before that moment."""
        await self._database.execute_until_done(PURGE, before)

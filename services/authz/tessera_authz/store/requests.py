"""Authorization requests while the user is at the identity provider. Each step's answer is taken once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID, uuid4

from tessera_authz.protocol.authorization_request import AuthorizationRequest, Checked
from tessera_shared.db import Database, Row
from tessera_shared.handoff import Authentication

_BETWEEN = "."

INSERT = """
INSERT INTO authz.authorization_requests
    (id, client_id, parameters, browser_hash, step, created_at, expires_at, pushed_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
TAKE_STEP = """
UPDATE authz.authorization_requests SET step = NULL
WHERE id = $1 AND step = $2 AND browser_hash = ANY ($3::bytea[]) AND expires_at > $4
RETURNING id, parameters, authentication, pushed_hash
"""
SET_STEP = "UPDATE authz.authorization_requests SET step = $2, authentication = $3 WHERE id = $1"
CONSENTED = "SELECT scope FROM authz.consents WHERE sub = $1 AND client_id = $2"
PURGE = """
DELETE FROM authz.authorization_requests WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM authz.authorization_requests WHERE expires_at < $1 LIMIT 5000
))
"""


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A stored request, who was found to be logged in so far, and the pushed request it came from."""

    id: UUID
    request: AuthorizationRequest
    authentication: Authentication | None
    pushed_hash: bytes | None


class RequestStore:
    """The table of authorization requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, checked: Checked, browser_hash: bytes, now: datetime, expires_at: datetime) -> str:
        """Store a request that needs the identity provider; returns the step to hand over."""
        request_id, step = uuid4(), uuid4()
        request = checked.request
        parameters = json.dumps(asdict(request))
        await self._database.execute(
            INSERT, request_id, request.client_id, parameters, browser_hash, step, now, expires_at, checked.pushed_hash
        )
        return _name(request_id, step)

    async def take_step(self, name: str, browser_hashes: Sequence[bytes], now: datetime) -> PendingRequest | None:
        """Take a step that came back, once, and only from the browser that started the request."""
        request_id, _, step = name.partition(_BETWEEN)
        row = await self._database.fetchrow(TAKE_STEP, UUID(request_id), UUID(step), browser_hashes, now)
        return None if row is None else _to_pending(row)

    async def set_step(self, request_id: UUID, authentication: Authentication | None) -> str:
        """Begin the next step."""
        step = uuid4()
        known = None if authentication is None else json.dumps(asdict(authentication))
        await self._database.execute(SET_STEP, request_id, step, known)
        return _name(request_id, step)

    async def consented_scope(self, sub: str, client_id: str) -> tuple[str, ...]:
        """What this user allowed this client before."""
        scope = await self._database.fetchval(CONSENTED, sub, client_id)
        return tuple(scope or ())

    async def purge(self, now: datetime) -> None:
        """Forget requests that have expired."""
        await self._database.execute_until_done(PURGE, now)


def _name(request_id: UUID, step: UUID) -> str:
    """What the hand-over calls the step: it names the request too, so that it is found by its key."""
    return f"{request_id}{_BETWEEN}{step}"


def _to_pending(row: Row) -> PendingRequest:
    known: Mapping[str, object] | None = json.loads(row["authentication"]) if row["authentication"] else None
    request = AuthorizationRequest.from_stored(json.loads(row["parameters"]))
    return PendingRequest(row["id"], request, None if known is None else _to_authentication(known), row["pushed_hash"])


def _to_authentication(known: Mapping[str, object]) -> Authentication:
    return Authentication(**{**known, "amr": tuple(known["amr"])})  # type: ignore[arg-type]

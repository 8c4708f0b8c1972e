"""The audit log: who did what to what, when, from where, and with which outcome. Services can only add to it.

An event is written in the transaction of the change it tells of: there is neither one without the other.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tessera_shared.db import Database, Transaction

INSERT = """
INSERT INTO audit.events (service, actor, action, object_type, object_id, origin, outcome, request_id, details)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where.

    Attributes:
        service: The service whose request or command it is.
        name: `client:<client_id>`, `user:<sub>`, `operator:<login name>`, `initial-access-token:<id>` or `anonymous`.
        origin: The address a request came from, or the host a command ran on.
        request_id: Of the request.

    """

    service: str
    name: str
    origin: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What happened.

    Attributes:
        action: Object and verb, such as `client.registered`.
        object_id: Which client, scope, user, session, grant or key.
        outcome: `refused` for what was tried and not allowed.
        details: What a reader needs beside, never a secret.

    """

    action: str
    object_id: str
    outcome: Literal["done", "refused"] = "done"
    details: Mapping[str, Any] = field(default_factory=dict)


async def record(into: Database | Transaction, actor: Actor, event: Event) -> None:
    """Add an event.

    Raises:
        Unavailable: The database does not answer; outside a transaction the caller decides what that means.

    """
    await into.execute(
        INSERT,
        actor.service,
        actor.name,
        event.action,
        event.action.partition(".")[0],
        event.object_id,
        actor.origin,
        event.outcome,
        actor.request_id,
        json.dumps(event.details),
    )

"""`secrets`: those of clients; only hashes are kept, so none can be shown again."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from tessera_authz.commands.work import Work, lock_client
from tessera_authz.protocol import generated_secret
from tessera_authz.protocol.client_metadata import READABLE_SECRET_METHOD, SECRET_METHODS
from tessera_authz.store import client_secrets
from tessera_authz.store.clients import ClientSecret
from tessera_authz.tokens import opaque
from tessera_shared import audit, clock
from tessera_shared.argon2id import Argon2id
from tessera_shared.audit import Event
from tessera_shared.command_line import CommandError, Group, Result, read_secret

_MIN_READABLE_BYTES = 32
"""RFC 7518 §3.2: a key for HS256."""


async def list_secrets(work: Work, client_id: str) -> Result:
    """List a client's secrets, without the secrets."""
    now = clock.now()
    return [
        {
            "id": row["id"],
            "kind": "generated" if generated_secret.is_generated(row["hash"]) else "chosen",
            "created_at": row["created_at"],
            "expires_at": row["expires_at"],
            "replaced_at": row["replaced_at"],
            "valid": row["expires_at"] is None or row["expires_at"] > now,
        }
        for row in await client_secrets.list_all(work.database, client_id)
    ]


async def add(
    work: Work,
    client_id: str,
    *,
    chosen: Annotated[
        bool, typer.Option("--chosen", help="Read it from standard input, instead of making one.")
    ] = False,
    days: Annotated[float | None, typer.Option(help="How long it works.", min=0)] = None,
) -> Result:
    """Add a secret beside those that are valid; one that is made is shown this once."""
    now = clock.now()
    expires_at = None if days is None else now + timedelta(days=days)
    secret = read_secret("Secret") if chosen else opaque.new()
    stored = await _chosen_form(secret) if chosen else generated_secret.stored_form(secret)
    async with work.database.transaction() as tx:
        client = await lock_client(tx, client_id)
        method = client.metadata.get("token_endpoint_auth_method", "client_secret_basic")
        if method not in SECRET_METHODS:
            raise CommandError(f"{client_id} authenticates by {method}, without a secret")
        if method == READABLE_SECRET_METHOD and len(secret.encode()) < _MIN_READABLE_BYTES:
            raise CommandError(f"{method} needs a secret of {_MIN_READABLE_BYTES} bytes at least")
        await work.registry.check_room(tx, client_id, now)
        sealed = work.sealer.seal(client_id, secret) if method == READABLE_SECRET_METHOD else None
        made = await client_secrets.add(tx, client_id, ClientSecret(stored, expires_at, sealed), now)
        await audit.record(tx, work.actor, Event("secret.added", client_id, details={"id": str(made)}))
    return {"id": made, "expires_at": expires_at, **({} if chosen else {"client_secret": secret})}


async def rotate(
    work: Work,
    client_id: str,
    grace_seconds: Annotated[int | None, typer.Option(help="How long the old ones go on working.", min=0)] = None,
) -> Result:
    """Make a new secret, shown this once; those that are valid end after the grace period."""
    grace = work.registry.rules.secret_grace if grace_seconds is None else timedelta(seconds=grace_seconds)
    made = await work.registry.rotate_secret(client_id, grace, work.actor)
    return {
        "client_secret": made.secret,
        "expires_at": made.expires_at,
        "previous_expires_at": made.previous_expires_at,
    }


async def remove(work: Work, client_id: str, secret_id: UUID) -> Result:
    """Remove a secret at once."""
    async with work.database.transaction() as tx:
        if not await client_secrets.remove(tx, client_id, secret_id):
            raise CommandError(f"{client_id} has no secret {secret_id}")
        await audit.record(tx, work.actor, Event("secret.removed", client_id, details={"id": str(secret_id)}))
    return {"removed": secret_id}


async def _chosen_form(secret: str) -> str:
    argon2id = Argon2id(workers=1, queue=1)
    try:
        return await argon2id.hash(secret)
    finally:
        argon2id.close()


GROUP = Group(
    "The secrets of clients.", {"list": list_secrets, "add": add, "rotate": rotate, "remove": remove, "revoke": remove}
)

"""`clients`: what is registered, by whomever."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import typer

from tessera_authz.commands.work import Work, lock_client
from tessera_authz.protocol import client_metadata
from tessera_authz.protocol.client import Client
from tessera_authz.protocol.registration_policy import Bounds
from tessera_authz.registration_settings import supported_metadata
from tessera_authz.store import registration
from tessera_authz.store.registration import StoredClient
from tessera_shared import audit, clock
from tessera_shared.audit import Event
from tessera_shared.command_line import CommandError, Group, Result
from tessera_shared.scope import parse

Member = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A member of RFC 7591; lists, switches and numbers as JSON."),
]


async def list_clients(work: Work) -> Result:
    """List all clients."""
    return [_summary(client) for client in await registration.list_all(work.database)]


async def show(work: Work, client_id: str) -> Result:
    """Show all that is known of a client."""
    client = await registration.find(work.database, client_id)
    if client is None:
        raise CommandError(f"there is no client {client_id}")
    bounds = None if client.bounds is None else client.bounds.to_stored()
    return {**_summary(client), "metadata": client.metadata, "bounds": bounds, "updated_at": client.updated_at}


async def add(
    work: Work,
    client_id: str,
    name: Annotated[str, typer.Option(help="What users see.")],
    redirect_uri: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    grant_type: Annotated[
        list[str] | None, typer.Option(help="May be repeated; authorization_code by default.")
    ] = None,
    scope: Annotated[str, typer.Option(help="Space-delimited.")] = "",
    method: Annotated[str, typer.Option(help="token_endpoint_auth_method.")] = "client_secret_basic",
    members: Member = None,
) -> Result:
    """Add a client; a secret that it needs is made, and shown this once."""
    _check_client_id(client_id)
    sent = {
        "client_name": name,
        "redirect_uris": redirect_uri or [],
        "grant_types": grant_type or ["authorization_code"],
        "scope": scope,
        "token_endpoint_auth_method": method,
        **_members(members),
    }
    metadata = client_metadata.check(sent, await work.bounds(), supported_metadata(work.config))
    now = clock.now()
    client = StoredClient(client_id, metadata, "administrator", None, now, now)
    async with work.database.transaction() as tx:
        until = await registration.revoked_until(tx, client_id)
        if until is not None:
            raise CommandError(f"a client {client_id} was removed: its tokens are refused until {until.isoformat()}")
        if not await registration.add(tx, client, None):
            raise CommandError(f"there is a client {client_id} already")
        secret = await work.registry.make_secret_if_used(tx, client)
        await audit.record(tx, work.actor, Event("client.added", client_id, details={"members": sorted(metadata)}))
    return {**_summary(client), **({} if secret is None else {"client_secret": secret.secret})}


async def change(
    work: Work,
    client_id: str,
    members: Member = None,
    unset: Annotated[list[str] | None, typer.Option(help="A member to leave out.")] = None,
) -> Result:
    """Change a client's metadata; what a client registered itself stays within what is given here."""
    limits, supported = await work.bounds(), supported_metadata(work.config)
    async with work.database.transaction() as tx:
        old = await lock_client(tx, client_id)
        kept = {name: value for name, value in old.metadata.items() if name not in (unset or ())}
        metadata = client_metadata.check({**kept, **_members(members)}, limits, supported)
        new = replace(old, metadata=metadata, bounds=_within(old.bounds, metadata), updated_at=clock.now())
        secret = await work.registry.store_change(tx, old, new, work.actor)
    return {**_summary(new), **({} if secret is None else {"client_secret": secret.secret})}


async def remove(work: Work, client_id: str) -> Result:
    """Remove a client with its grants and tokens; none of them is accepted any more."""
    if await registration.find(work.database, client_id) is None:
        raise CommandError(f"there is no client {client_id}")
    await work.registry.delete(client_id, None, work.actor)
    return {"removed": client_id}


def _within(bounds: Bounds | None, metadata: Mapping[str, Any]) -> Bounds | None:
    """What an administrator gave is what the client may have from now on."""
    if bounds is None:
        return None
    return replace(
        bounds,
        scope=parse(metadata["scope"]),
        grant_types=tuple(metadata["grant_types"]),
        profile=metadata["profile"],
        require_acr=metadata.get("require_acr"),
    )


def _members(given: list[str] | None) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for pair in given or ():
        name, equals, text = pair.partition("=")
        if not equals or name not in client_metadata.READERS:
            raise CommandError(
                f"--set {pair}: no member of client metadata; known are {', '.join(client_metadata.READERS)}"
            )
        members[name] = _value(name, text)
    return members


def _value(name: str, text: str) -> Any:  # noqa: ANN401 - JSON
    """Lists, objects, switches and numbers are JSON; everything else is a text."""
    if text[:1] in ("[", "{") or text in ("true", "false", "null") or name in client_metadata.NUMBERS:
        try:
            return json.loads(text)
        except ValueError as error:
            raise CommandError(f"{text[:60]}: not JSON") from error
    return text


def _check_client_id(client_id: str) -> None:
    """RFC 6749 §A.1: visible characters and spaces."""
    if not client_id.strip() or not all(" " <= character <= "~" for character in client_id):
        raise CommandError("a client_id has visible ASCII characters")


def _summary(client: StoredClient) -> dict[str, Any]:
    read = Client.from_metadata(client.client_id, client.metadata)
    return {
        "client_id": client.client_id,
        "client_name": read.client_name,
        "origin": client.origin,
        "method": read.token_endpoint_auth_method,
        "grant_types": list(read.grant_types),
        "scope": list(read.scope),
        "created_at": client.created_at,
    }


GROUP = Group("The clients.", {"list": list_clients, "show": show, "add": add, "change": change, "remove": remove})

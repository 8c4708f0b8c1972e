"""`initial-access-tokens`: who holds one may register clients, within its bounds (RFC 7591 §3.1)."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer

from tessera_authz.commands.work import Work
from tessera_authz.grants import GRANTS
from tessera_authz.protocol.registration_policy import STRICTNESS, Bounds
from tessera_authz.store import initial_access_tokens, scopes
from tessera_authz.store.initial_access_tokens import InitialAccessToken
from tessera_authz.tokens import opaque
from tessera_shared import audit, clock
from tessera_shared.audit import Event
from tessera_shared.command_line import CommandError, Group, Result
from tessera_shared.scope import parse


async def list_tokens(work: Work) -> Result:
    """List all tokens, without the tokens."""
    return [_summary(token) for token in await initial_access_tokens.list_all(work.database)]


async def add(
    work: Work,
    note: Annotated[str, typer.Option(help="For whom it is.")],
    scope: Annotated[
        str | None, typer.Option(help="What clients may register for; all open scopes by default.")
    ] = None,
    grant_type: Annotated[list[str] | None, typer.Option(help="May be repeated; as configured by default.")] = None,
    profile: Annotated[str | None, typer.Option(help="The least strict profile; as configured by default.")] = None,
    uses: Annotated[int | None, typer.Option(help="How many clients; any number by default.", min=1)] = None,
    days: Annotated[float, typer.Option(help="How long it works.", min=0)] = 30,
) -> Result:
    """Make a token, shown this once."""
    entries = await scopes.load(work.database)
    wanted = scopes.names(entries, opened=True) if scope is None else parse(scope)
    grant_types = tuple(grant_type or work.config.registration.grant_types)
    _check(wanted, scopes.names(entries), "scope")
    _check(grant_types, tuple(GRANTS), "grant type")
    least_strict = profile or work.config.registration.profile
    _check((least_strict,), STRICTNESS, "profile")
    now, value = clock.now(), opaque.new()
    bounds = Bounds(wanted, grant_types, least_strict)
    token = InitialAccessToken(uuid4(), note, bounds, uses, now, now + timedelta(days=days))
    async with work.database.transaction() as tx:
        await initial_access_tokens.add(tx, token, opaque.digest(value))
        details = {"note": note, **bounds.to_stored()}
        await audit.record(tx, work.actor, Event("initial-access-token.added", str(token.id), details=details))
    return {**_summary(token), "initial_access_token": value}


async def remove(work: Work, token_id: UUID) -> Result:
    """Remove a token: nobody registers with it any more."""
    async with work.database.transaction() as tx:
        if not await initial_access_tokens.remove(tx, token_id):
            raise CommandError(f"there is no initial access token {token_id}")
        await audit.record(tx, work.actor, Event("initial-access-token.removed", str(token_id)))
    return {"removed": token_id}


def _check(given: tuple[str, ...], known: tuple[str, ...], what: str) -> None:
    for name in given:
        if name not in known:
            raise CommandError(f"there is no {what} {name}; known are {', '.join(known)}")


def _summary(token: InitialAccessToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "note": token.note,
        "scope": list(token.bounds.scope),
        "grant_types": list(token.bounds.grant_types),
        "profile": token.bounds.profile,
        "uses_left": token.uses_left,
        "expires_at": token.expires_at,
    }


GROUP = Group("Initial access tokens.", {"list": list_tokens, "add": add, "remove": remove, "revoke": remove})

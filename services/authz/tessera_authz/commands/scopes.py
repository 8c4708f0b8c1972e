"""`scopes`: what clients may ask for, and how the consent page describes it."""

import re
from dataclasses import asdict
from typing import Annotated

import typer

from tessera_authz.commands.work import Work
from tessera_authz.store import scopes
from tessera_authz.store.scopes import ScopeEntry
from tessera_shared import audit, clock
from tessera_shared.audit import Event
from tessera_shared.claims import ACR_VALUES
from tessera_shared.command_line import CommandError, Group, Result

_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,80}")
"""RFC 6749 §3.3."""
_MAX_TITLE, _MAX_DETAIL = 60, 120
"""They travel to the consent page in an address."""

Default = Annotated[bool | None, typer.Option("--default/--no-default", help="For registrations that name no scope.")]
Opened = Annotated[bool | None, typer.Option("--open/--no-open", help="Clients may register for it by themselves.")]

Acr = Annotated[str | None, typer.Option(help="The level of login that it needs at least; empty: any will do.")]


async def list_scopes(work: Work) -> Result:
    """List all scopes."""
    return [asdict(entry) for entry in await scopes.load(work.database)]


async def show(work: Work, name: str) -> Result:
    """Show a scope."""
    return asdict(await _find(work, name))


async def add(
    work: Work,
    name: str,
    title: Annotated[str, typer.Option(help="What the consent page says.")],
    detail: Annotated[str, typer.Option(help="And a little more.")] = "",
    default: Default = None,
    opened: Opened = None,
    acr: Acr = None,
) -> Result:
    """Make a scope; clients may then be given it."""
    entry = ScopeEntry(name, title, detail, is_default=bool(default), is_open=bool(opened), acr=acr or None)
    _check(entry)
    async with work.database.transaction() as tx:
        if not await scopes.add(tx, entry, clock.now()):
            raise CommandError(f"there is a scope {name} already")
        await audit.record(tx, work.actor, Event("scope.added", name, details=asdict(entry)))
    return asdict(entry)


async def change(
    work: Work,
    name: str,
    title: Annotated[str | None, typer.Option(help="What the consent page says.")] = None,
    detail: Annotated[str | None, typer.Option(help="And a little more.")] = None,
    default: Default = None,
    opened: Opened = None,
    acr: Acr = None,
) -> Result:
    """Change what is said of a scope, and who gets it."""
    old = await _find(work, name)
    entry = ScopeEntry(
        name,
        old.title if title is None else title,
        old.detail if detail is None else detail,
        is_default=old.is_default if default is None else default,
        is_open=old.is_open if opened is None else opened,
        acr=old.acr if acr is None else acr or None,
    )
    _check(entry)
    async with work.database.transaction() as tx:
        if not await scopes.change(tx, entry, clock.now()):
            raise CommandError(f"there is no scope {name}")
        await audit.record(tx, work.actor, Event("scope.changed", name, details=asdict(entry)))
    return asdict(entry)


async def remove(work: Work, name: str) -> Result:
    """Remove a scope: no client can ask for it any more, and refreshed tokens lose it."""
    async with work.database.transaction() as tx:
        if not await scopes.remove(tx, name):
            raise CommandError(f"there is no scope {name}")
        await audit.record(tx, work.actor, Event("scope.removed", name))
    return {"removed": name}


async def _find(work: Work, name: str) -> ScopeEntry:
    for entry in await scopes.load(work.database):
        if entry.name == name:
            return entry
    raise CommandError(f"there is no scope {name}")


def _check(entry: ScopeEntry) -> None:
    if not _TOKEN.fullmatch(entry.name):
        raise CommandError("a scope has 1 to 80 visible ASCII characters, no quote and no backslash (RFC 6749 §3.3)")
    for text, longest in ((entry.title, _MAX_TITLE), (entry.detail, _MAX_DETAIL)):
        if len(text) > longest or not all(character.isprintable() for character in text):
            raise CommandError(f"title and detail have at most {_MAX_TITLE} and {_MAX_DETAIL} printable characters")
    if entry.acr is not None and entry.acr not in ACR_VALUES:
        raise CommandError(f"--acr is one of {', '.join(ACR_VALUES)}")
    if not entry.title.strip():
        raise CommandError("a scope needs a title")


GROUP = Group("The scopes.", {"list": list_scopes, "show": show, "add": add, "change": change, "remove": remove})

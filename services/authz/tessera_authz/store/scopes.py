"""The scopes that exist, made and described by administrators; every replica knows of a change within a second."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tessera_shared import logging
from tessera_shared.db import Database, Row, Transaction
from tessera_shared.errors import Unavailable
from tessera_shared.scope import Scope

CHANNEL = "scope_changed"

LOAD = "SELECT name, title, detail, is_default, is_open, acr FROM authz.scopes ORDER BY created_at, name"
INSERT = """
INSERT INTO authz.scopes (name, title, detail, is_default, is_open, acr, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (name) DO NOTHING RETURNING name
"""
UPDATE = """
UPDATE authz.scopes
SET title = $2, detail = $3, is_default = $4, is_open = $5, acr = $6, updated_at = $7
WHERE name = $1 RETURNING name
"""
DELETE = "DELETE FROM authz.scopes WHERE name = $1 RETURNING name"


@dataclass(frozen=True, slots=True)
class ScopeEntry:
    """One scope token.

    Attributes:
        title: What the consent page says it allows, and `detail` a little more.
        is_default: A registration that names no scope gets it.
        is_open: Clients may register for it by themselves; others only an administrator gives.
        acr: The level of login that it needs at least; none: any will do.

    """

    name: str
    title: str
    detail: str
    is_default: bool = False
    is_open: bool = False
    acr: str | None = None


class ScopeDirectory:
    """The scopes, remembered only while changes can be heard."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entries: tuple[ScopeEntry, ...] | None = None
        self._listening = False
        self._generation = 0

    async def all(self) -> Sequence[ScopeEntry]:
        """Every scope, the oldest first."""
        if self._listening and self._entries is not None:
            return self._entries
        generation = self._generation
        entries = tuple(await load(self._database))
        if self._listening and generation == self._generation:
            self._entries = entries
        return entries

    async def follow_changes(self) -> None:
        """Forget what changes, until cancelled."""
        while True:
            try:
                await self._database.listen(CHANNEL, lambda _name: self._forget(), self._connected)
            except Unavailable as error:
                self._listening = False
                self._forget()
                logging.get().warning("scopes: changes cannot be heard, asking each time", reason=str(error))
                await asyncio.sleep(1.0)

    def _connected(self) -> None:
        self._forget()
        self._listening = True

    def _forget(self) -> None:
        self._generation += 1
        self._entries = None


async def load(database: Database | Transaction) -> list[ScopeEntry]:
    """Every scope, the oldest first."""
    return [_to_entry(row) for row in await database.fetch(LOAD)]


async def add(tx: Transaction, entry: ScopeEntry, now: datetime) -> bool:
    """Make a scope; False where there is one of that name."""
    return await tx.fetchval(INSERT, *_values(entry), now) is not None


async def change(tx: Transaction, entry: ScopeEntry, now: datetime) -> bool:
    """Change a scope; False where there is none of that name."""
    return await tx.fetchval(UPDATE, *_values(entry), now) is not None


async def remove(tx: Transaction, name: str) -> bool:
    """Remove a scope: no client can ask for it any more; False where there is none of that name."""
    return await tx.fetchval(DELETE, name) is not None


def names(entries: Sequence[ScopeEntry], *, default: bool = False, opened: bool = False) -> Scope:
    """The names of scopes: of all, or of those that are default or open."""
    return tuple(e.name for e in entries if (e.is_default or not default) and (e.is_open or not opened))


def _values(entry: ScopeEntry) -> tuple[str, str, str, bool, bool, str | None]:
    return entry.name, entry.title, entry.detail, entry.is_default, entry.is_open, entry.acr


def _to_entry(row: Row) -> ScopeEntry:
    return ScopeEntry(row["name"], row["title"], row["detail"], row["is_default"], row["is_open"], row["acr"])

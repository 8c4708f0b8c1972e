"""Sealing anew under the key in use what an earlier one sealed: row by row, each by one statement that loses no change.

It may run while services do, be broken off and begun again: a row that was changed or deleted meanwhile is left alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from tessera_shared import audit
from tessera_shared.audit import Actor, Event
from tessera_shared.db import Database, Row
from tessera_shared.rotating_key import RotatingKey
from tessera_shared.sealed import SealBroken

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """Where sealed values stand.

    Attributes:
        page: A query: rows whose `id` follows $1, in order, at most $2 of them, with `sealed` and what `context` needs.
        first: Comes before each `id`.
        replace: A statement: row $1 gets the value $3 where it has $2, and returns its id.
        context: What the value of a row is bound to.
        key: What it is sealed under.

    """

    page: str
    first: object
    replace: str
    context: Callable[[Row], bytes]
    key: RotatingKey = field(repr=False)


@dataclass(slots=True)
class Resealed:
    """What came of the rows: sealed anew, under the key in use before, and opened by none of the keys."""

    resealed: int = 0
    current: int = 0
    unreadable: int = 0


async def reseal_all(database: Database, columns: Mapping[str, SealedColumn], actor: Actor) -> list[dict[str, object]]:
    """Seal all of a service's columns anew, and write that down.

    Returns:
        For each column how many values were sealed anew, were under the key in use, and are opened by none of the keys.

    Raises:
        Unavailable: As `reseal`.

    """
    told: list[dict[str, object]] = []
    for what, column in columns.items():
        told.append({"what": what, **asdict(await reseal(database, column))})
    async with database.transaction() as tx:
        await audit.record(tx, actor, Event("master_key.resealed", actor.service, details={"columns": told}))
    return told


async def reseal(database: Database, column: SealedColumn) -> Resealed:
    """Seal every value of a column under the key in use.

    Raises:
        Unavailable: The database does not answer; what was done until then is done.

    """
    done, last = Resealed(), column.first
    while rows := await database.fetch(column.page, last, _AT_ONCE):
        for row in rows:
            await _reseal_row(database, column, row, done)
        last = rows[-1]["id"]
    return done


async def _reseal_row(database: Database, column: SealedColumn, row: Row, done: Resealed) -> None:
    sealed, context = row["sealed"], column.context(row)
    try:
        opener, plaintext = column.key.open(sealed, context)
    except SealBroken:
        done.unreadable += 1
        return
    if opener == column.key.current:
        done.current += 1
        return
    anew = column.key.seal(plaintext, context)
    if await database.fetchval(column.replace, row["id"], sealed, anew) is not None:
        done.resealed += 1

"""Links that were sent by mail: known by their hash, each used once."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from tessera_shared.db import Database, Row, Transaction

_COLUMNS = "purpose, sub, email, ask, browser_hash"

ADD = """
INSERT INTO idp.links (token_hash, purpose, sub, email, ask, browser_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
FIND = f"SELECT {_COLUMNS} FROM idp.links WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3"  # noqa: S608 - constants only
LOCK = f"{FIND} FOR UPDATE"
SENT_AT = "SELECT created_at FROM idp.links WHERE token_hash = $1"
REMOVE = "DELETE FROM idp.links WHERE token_hash = $1"
FORGET_OF_USER = "DELETE FROM idp.links WHERE sub = $1 AND purpose = $2"
FORGET_ALL_OF_USER = "DELETE FROM idp.links WHERE sub = $1"
FORGET_SIGN_UPS = "DELETE FROM idp.links WHERE purpose = 'sign_up' AND lower(email) = lower($1)"
FORGET_UNDOS_SINCE = """
DELETE FROM idp.links l USING idp.links used
WHERE used.token_hash = $1 AND l.sub = used.sub AND l.purpose = 'undo_email' AND l.created_at >= used.created_at
"""
PURGE = """
DELETE FROM idp.links WHERE ctid = ANY (ARRAY(SELECT ctid FROM idp.links WHERE expires_at < $1 LIMIT 5000))
"""


class Purpose(Enum):
    """What a link does."""

    SIGN_UP = "sign_up"
    RESET_PASSWORD = "reset_password"
    CHANGE_EMAIL = "change_email"
    UNDO_EMAIL = "undo_email"


@dataclass(frozen=True, slots=True)
class Link:
    """A link.

    Attributes:
        purpose: What it does.
        sub: Whose account it is for; None for a sign-up, and for a link that nobody was sent.
        email: The address that it was sent to, and so proves.
        ask: The login that goes on afterwards, as it came from authz.
        browser_hash: Of the browser that it goes on in.

    """

    purpose: Purpose
    sub: str | None
    email: str
    ask: str | None = field(default=None, repr=False)
    browser_hash: bytes | None = field(default=None, repr=False)


async def add(tx: Transaction, token_hash: bytes, link: Link, now: datetime, expires_at: datetime) -> None:
    """Store a link that is about to be sent."""
    values = (link.purpose.value, link.sub, link.email, link.ask, link.browser_hash)
    await tx.execute(ADD, token_hash, *values, now, expires_at)


async def find(database: Database, token_hash: bytes, purpose: Purpose, now: datetime) -> Link | None:
    """The link, for a page that asks whether to use it."""
    return _to_link(await database.fetchrow(FIND, token_hash, purpose.value, now))


async def lock(tx: Transaction, token_hash: bytes, purpose: Purpose, now: datetime) -> Link | None:
    """The link, for whoever uses it: all others wait, and then find it gone."""
    return _to_link(await tx.fetchrow(LOCK, token_hash, purpose.value, now))


async def sent_at(tx: Transaction, token_hash: bytes) -> datetime:
    """When a link that is there was made."""
    found: datetime = await tx.fetchval(SENT_AT, token_hash)
    return found


async def remove(tx: Transaction, token_hash: bytes) -> None:
    """Use a link up."""
    await tx.execute(REMOVE, token_hash)


async def forget_of_user(tx: Transaction, sub: str, purpose: Purpose) -> None:
    """Make every link of that kind of a user useless."""
    await tx.execute(FORGET_OF_USER, sub, purpose.value)


async def forget_all_of_user(tx: Transaction, sub: str) -> None:
    """Make every link of a user useless."""
    await tx.execute(FORGET_ALL_OF_USER, sub)


async def forget_sign_ups(tx: Transaction, email: str) -> None:
    """Make every link of a sign-up with that address useless."""
    await tx.execute(FORGET_SIGN_UPS, email)


async def forget_undos_since(tx: Transaction, token_hash: bytes) -> None:
    """Use an undo up, and make every later one of the user useless."""
    await tx.execute(FORGET_UNDOS_SINCE, token_hash)


async def purge(database: Database, now: datetime) -> None:
    """Delete those that are over."""
    await database.execute_until_done(PURGE, now)


def _to_link(row: Row | None) -> Link | None:
    if row is None:
        return None
    return Link(Purpose(row["purpose"]), row["sub"], row["email"], row["ask"], row["browser_hash"])

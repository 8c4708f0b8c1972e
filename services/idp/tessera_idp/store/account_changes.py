"""What users change of their own accounts, each in the caller's transaction."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tessera_idp.protocol.models import User
from tessera_shared.db import Database, Row, Transaction

_COLUMNS = "sub, username, claims, disabled, updated_at"
_VERIFIED = "lower(claims ->> 'email') = lower($1) AND claims -> 'email_verified' = 'true'"

FIND_BY_VERIFIED_EMAIL = f"SELECT {_COLUMNS} FROM idp.users WHERE {_VERIFIED}"  # noqa: S608 - constants only
FIND_BY_NAME = f"""
SELECT {_COLUMNS} FROM idp.users WHERE lower(username) = lower($1) OR ({_VERIFIED})
ORDER BY lower(username) <> lower($1) LIMIT 1
"""  # noqa: S608 - constants only
LOCK = f"SELECT {_COLUMNS} FROM idp.users WHERE sub = $1 FOR UPDATE"  # noqa: S608 - constants only
LOCK_EMAIL = "SELECT pg_advisory_xact_lock(hashtextextended('idp e-mail ' || lower($1), 0))"
ADD = """
INSERT INTO idp.users (sub, username, claims, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (lower(username)) DO NOTHING RETURNING sub
"""
SET_CLAIMS = "UPDATE idp.users SET claims = $2, updated_at = $3 WHERE sub = $1"
SET_PASSWORD = """
INSERT INTO idp.passwords (sub, hash, changed_at) VALUES ($1, $2, $3)
ON CONFLICT (sub) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at
"""
REMOVE_PASSWORD = "DELETE FROM idp.passwords WHERE sub = $1"
HASH = "SELECT hash FROM idp.passwords WHERE sub = $1"
# the grants after the sessions: what is granted meanwhile is either found, or finds its session ended
END_SESSIONS = """
WITH ended AS (
    UPDATE idp.sessions SET ended_at = $2 WHERE sub = $1 AND ended_at IS NULL AND sid IS DISTINCT FROM $4 RETURNING sid
)
SELECT authz.revoke_user($1, $3, 'all', $4)::text AS grant_id FROM (SELECT count(*) FROM ended) AS done
"""
_SINCE = "$2::timestamptz - interval '1 hour'"
"""Whoever changes an address may have added something in the same visit, just before."""
FORGET_TOTP = f"DELETE FROM idp.totp WHERE sub = $1 AND created_at >= {_SINCE} RETURNING name"  # noqa: S608 - constants only
FORGET_PASSKEYS = f"DELETE FROM idp.passkeys WHERE sub = $1 AND created_at >= {_SINCE} RETURNING name"  # noqa: S608 - constants only
FORGET_EMAIL_CODES = f"""
DELETE FROM idp.email_code_users WHERE sub = $1 AND enabled_at >= {_SINCE} RETURNING 'Codes by e-mail' AS name
"""  # noqa: S608 - constants only
FORGET_RECOVERY_CODES = f"DELETE FROM idp.recovery_codes WHERE sub = $1 AND made_at >= {_SINCE}"  # noqa: S608 - constants only
_FACTORS = (("totp", FORGET_TOTP), ("passkey", FORGET_PASSKEYS), ("email_code", FORGET_EMAIL_CODES))


async def find_by_name(database: Database | Transaction, name: str) -> User | None:
    """The user of that username, else of that verified e-mail address."""
    return _to_user(await database.fetchrow(FIND_BY_NAME, name))


async def find_by_email(database: Database | Transaction, email: str) -> User | None:
    """The user of that verified e-mail address."""
    return _to_user(await database.fetchrow(FIND_BY_VERIFIED_EMAIL, email))


async def lock(tx: Transaction, sub: str) -> User | None:
    """The user, whom nobody else changes until the transaction ends."""
    return _to_user(await tx.fetchrow(LOCK, sub))


async def is_email_free(tx: Transaction, email: str, sub: str | None = None) -> bool:
    """Whether an address is no other user's; until the transaction ends, nobody else can make it theirs."""
    await tx.execute(LOCK_EMAIL, email)
    owner = await find_by_email(tx, email)
    return owner is None or owner.sub == sub


async def add(tx: Transaction, sub: str, username: str, claims: Mapping[str, Any], now: datetime) -> bool:
    """Store a new user; False where the name is taken."""
    return await tx.fetchval(ADD, sub, username, json.dumps(claims), now) is not None


async def set_claims(tx: Transaction, sub: str, claims: Mapping[str, Any], now: datetime) -> None:
    """Store other claims."""
    await tx.execute(SET_CLAIMS, sub, json.dumps(claims), now)


async def set_password(tx: Transaction, sub: str, hashed: str, now: datetime) -> None:
    """Store another password."""
    await tx.execute(SET_PASSWORD, sub, hashed, now)


async def remove_password(tx: Transaction, sub: str) -> None:
    """Leave the user without a password."""
    await tx.execute(REMOVE_PASSWORD, sub)


async def password_hash(database: Database, sub: str) -> str | None:
    """The hash of the user's password, where there is one."""
    found: str | None = await database.fetchval(HASH, sub)
    return found


async def end_sessions(
    tx: Transaction, sub: str, now: datetime, revoked_until: datetime, kept: str | None = None
) -> tuple[str, ...]:
    """End the user's sessions, but for one, and all that was ever granted but in that one; the grants' ids."""
    return tuple(row["grant_id"] for row in await tx.fetch(END_SESSIONS, sub, now, revoked_until, kept))


async def forget_factors(tx: Transaction, sub: str, since: datetime) -> list[tuple[str, str]]:
    """Remove what the user can log in with since then: method and name of each, recovery codes apart."""
    removed = [(name, str(row["name"])) for name, forget in _FACTORS for row in await tx.fetch(forget, sub, since)]
    await tx.execute(FORGET_RECOVERY_CODES, sub, since)
    return removed


def _to_user(row: Row | None) -> User | None:
    if row is None:
        return None
    return User(row["sub"], row["username"], json.loads(row["claims"]), row["disabled"], row["updated_at"])

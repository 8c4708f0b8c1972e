"""What operators see and remove of users' factors; nothing of it is secret."""

from collections.abc import Sequence
from typing import Any

from tessera_shared.db import Database, Transaction

_ALL = """
SELECT 'totp' AS method, id::text AS id, name, created_at, used_at FROM idp.totp WHERE sub = $1
UNION ALL
SELECT 'passkey', id::text, name, created_at, last_used_at FROM idp.passkeys WHERE sub = $1
UNION ALL
SELECT 'email_code', 'email_code', 'Codes by e-mail', enabled_at, NULL FROM idp.email_code_users WHERE sub = $1
"""
LIST = f"SELECT method, id, name, created_at, used_at FROM ({_ALL}) f ORDER BY created_at, id"  # noqa: S608 - constants only
CODES_LEFT = "SELECT count(*) FROM idp.recovery_codes WHERE sub = $1 AND used_at IS NULL"
REMOVE_TOTP = "DELETE FROM idp.totp WHERE sub = $1 AND ($2::text IS NULL OR id::text = $2) RETURNING id::text, name"
REMOVE_PASSKEYS = (
    "DELETE FROM idp.passkeys WHERE sub = $1 AND ($2::text IS NULL OR id::text = $2) RETURNING id::text, name"
)
REMOVE_EMAIL_CODES = """
DELETE FROM idp.email_code_users WHERE sub = $1 AND ($2::text IS NULL OR $2 = 'email_code')
RETURNING 'email_code' AS id, 'Codes by e-mail' AS name
"""
REMOVE_CODES = f"DELETE FROM idp.recovery_codes WHERE sub = $1 AND NOT EXISTS ({_ALL})"  # noqa: S608 - constants only
END_LOGINS = "DELETE FROM idp.logins_under_way WHERE sub = $1"
_REMOVALS = (("totp", REMOVE_TOTP), ("passkey", REMOVE_PASSKEYS), ("email_code", REMOVE_EMAIL_CODES))


async def list_of(database: Database, sub: str) -> list[dict[str, Any]]:
    """A user's authenticator apps, passkeys and codes by e-mail, and how many recovery codes are left."""
    factors = [dict(row) for row in await database.fetch(LIST, sub)]
    left = int(await database.fetchval(CODES_LEFT, sub))
    return [*factors, {"method": "recovery_code", "left": left}] if left else factors


async def remove(tx: Transaction, sub: str, factor_id: str | None) -> Sequence[tuple[str, str, str]]:
    """Remove one factor or all: method, id and name of each; recovery codes go with the last one."""
    removed = [
        (method, str(row["id"]), str(row["name"]))
        for method, statement in _REMOVALS
        for row in await tx.fetch(statement, sub, factor_id)
    ]
    await tx.execute(REMOVE_CODES, sub)
    await tx.execute(END_LOGINS, sub)
    return removed

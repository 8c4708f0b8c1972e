"""Codes by e-mail: who is asked for them, and the one code of each login under way."""

import hmac
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from tessera_idp.protocol.email_code import TRIES
from tessera_shared.db import Database, Transaction

IS_ON = "SELECT true FROM idp.email_code_users WHERE sub = $1"
TURN_ON = (
    "INSERT INTO idp.email_code_users (sub, enabled_at) VALUES ($1, $2) ON CONFLICT (sub) DO NOTHING RETURNING true"
)
TURN_OFF = "DELETE FROM idp.email_code_users WHERE sub = $1 RETURNING true"
PUT = f"""
INSERT INTO idp.email_codes (login_hash, code_hash, tries_left, sent_at, expires_at) VALUES ($1, $2, {TRIES}, $3, $4)
ON CONFLICT (login_hash) DO UPDATE SET code_hash = excluded.code_hash, tries_left = excluded.tries_left,
    sent_at = excluded.sent_at, expires_at = excluded.expires_at
"""  # noqa: S608 - constants only
IS_SENT = "SELECT true FROM idp.email_codes WHERE login_hash = $1 AND expires_at > $2 AND tries_left > 0"
TRY = """
UPDATE idp.email_codes SET tries_left = tries_left - 1
WHERE login_hash = $1 AND expires_at > $2 AND tries_left > 0 RETURNING code_hash
"""
TAKE = "DELETE FROM idp.email_codes WHERE login_hash = $1 AND code_hash = $2 RETURNING true"
PURGE = """
DELETE FROM idp.email_codes WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idp.email_codes WHERE expires_at < $1 LIMIT 5000
))
"""


class EmailCodeStore:
    """The tables of codes and of who gets them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """For a code and the mail that tells it."""
        return self._database.transaction()

    async def is_on(self, sub: str) -> bool:
        """Whether the user wants them."""
        return bool(await self._database.fetchval(IS_ON, sub))

    async def turn_on(self, sub: str, now: datetime) -> bool:
        """From now on; False where it was so before."""
        return bool(await self._database.fetchval(TURN_ON, sub, now))

    async def turn_off(self, sub: str) -> bool:
        """No longer; False where it was so before."""
        return bool(await self._database.fetchval(TURN_OFF, sub))

    async def put(self, into: Transaction, login: bytes, code_hash: bytes, now: datetime, until: datetime) -> None:
        """Store the login's code in place of an earlier one."""
        await into.execute(PUT, login, code_hash, now, until)

    async def is_sent(self, login: bytes, now: datetime) -> bool:
        """Whether the login has a code that can still be used."""
        return bool(await self._database.fetchval(IS_SENT, login, now))

    async def use(self, login: bytes, hashes: Sequence[bytes], now: datetime) -> bool:
        """Use the login's code up, whichever hash it is stored by; a wrong one costs a try.

        The try is taken before anything is compared.
        """
        stored = await self._database.fetchval(TRY, login, now)
        if stored is None or not any(hmac.compare_digest(stored, one) for one in hashes):
            return False
        return bool(await self._database.fetchval(TAKE, login, stored))

    async def purge(self, now: datetime) -> None:
        """Delete codes that are over."""
        await self._database.execute_until_done(PURGE, now)

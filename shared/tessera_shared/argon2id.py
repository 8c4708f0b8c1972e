"""Argon2id (RFC 9106) in a bounded pool of threads, so that checking secrets cannot starve other requests."""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from tessera_shared import logging

T = TypeVar("T")

_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1


class Busy(Exception):  # noqa: N818 - says what is the case
    """As many passwords are waiting to be checked as may wait."""


class Argon2id:
    """Hashes and verifies passwords, those of clients too."""

    def __init__(self, workers: int, queue: int) -> None:
        self._hasher = PasswordHasher(_PASSES, _MEMORY_KIB, _LANES, type=Type.ID)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="argon2id")
        self._room = workers + queue
        self._nothing = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """The password's hash, with its salt and parameters.

        Raises:
            Busy: Too many are waiting.

        """
        return await self._run(lambda: self._hasher.hash(_normalized(password)))

    async def verify(self, hashed: str, password: str) -> bool:
        """Whether this is the password.

        Raises:
            Busy: Too many are waiting.

        """
        return await self._run(lambda: self._matches(hashed, password))

    async def verify_nothing(self, password: str) -> None:
        """Take as long as a wrong password does, for a user that does not exist.

        Raises:
            Busy: Too many are waiting.

        """
        await self.verify(self._nothing, password)

    def is_outdated(self, hashed: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        """End the threads; checks that have begun are finished."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, _normalized(password))
        except InvalidHashError:
            logging.get().error("a stored password hash is not readable")
            return False
        except VerificationError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._room <= 0:
            raise Busy
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._room += 1


def _normalized(password: str) -> str:
    """One form for the many ways to type the same characters (NIST SP 800-63B §3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)

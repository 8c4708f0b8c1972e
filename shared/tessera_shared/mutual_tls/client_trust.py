"""Whom handshakes trust, kept up with the registered clients and the server's certificate on every replica."""

import asyncio
import hashlib
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass

from tessera_shared import logging
from tessera_shared.config import Tls
from tessera_shared.db import Database
from tessera_shared.errors import StartupError, Unavailable
from tessera_shared.mutual_tls.anchors import Anchors
from tessera_shared.mutual_tls.context import LiveContext, server_context
from tessera_shared.mutual_tls.registered import CHANNEL, load_registered, trustworthy

_TOGETHER_SECONDS = 0.2
"""Changes within this time are one renewal."""
_REST = 4
"""How many times as long as the last renewal took the next one waits."""
_REREAD_SECONDS = 60.0
"""How soon a renewed certificate of the server is noticed."""
_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Sources:
    files: bytes
    registered: frozenset[str]


class ClientTrust:
    """Renews the settings of a TLS port whenever a client or the server's certificate changes.

    While the database is away they stay as they are. That is safe: to be trusted by a handshake gives no right.
    """

    def __init__(self, config: Tls, anchors: Anchors, database: Database) -> None:
        self._config = config
        self._anchors = anchors
        self._database = database
        self._changed = asyncio.Event()
        self._made_of = _Sources(b"", frozenset())

    async def open(self) -> LiveContext:
        """The settings at start.

        Raises:
            StartupError: The server's certificate or key cannot be used.
            Unavailable: The database does not answer.

        """
        try:
            self._made_of = await self._read()
            context = await self._build(self._made_of)
        except OSError as error:
            files = f"{self._config.certificate_file}, {self._config.key_file}"
            raise StartupError(f"tls: {files}: {error}") from error
        registered = len(self._made_of.registered)
        logging.get().info("tls: client certificates", anchors=len(self._anchors), registered=registered)
        return LiveContext.of(context)

    async def follow(self, live: LiveContext) -> None:
        """Renew the settings until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._renew(live))

    async def _listen(self) -> None:
        while True:
            try:
                await self._database.listen(CHANNEL, lambda _client_id: self._changed.set(), self._changed.set)
            except Unavailable as error:
                logging.get().warning("tls: changes of clients cannot be heard", reason=str(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _renew(self, live: LiveContext) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _REREAD_SECONDS)
            self._changed.clear()
            started = time.monotonic()
            try:
                await self._take_in(live, await self._read())
            except (OSError, Unavailable) as error:
                logging.get().error("tls: not renewed, going on as before", reason=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
                self._changed.set()
            # whoever changes clients all the time makes no more of a replica's time go there
            await asyncio.sleep(max(_TOGETHER_SECONDS, _REST * (time.monotonic() - started)))

    async def _take_in(self, live: LiveContext, sources: _Sources) -> None:
        known = self._made_of
        if sources == known:
            return
        if sources.files == known.files and sources.registered > known.registered:
            live.add(trustworthy(sources.registered - known.registered, self._anchors))
        else:  # a context forgets nothing
            live.renew(await self._build(sources))
        self._made_of = sources
        logging.get().info("tls: client certificates changed", registered=len(sources.registered))

    async def _read(self) -> _Sources:
        """What the settings depend on."""
        files = self._config.certificate_file.read_bytes() + self._config.key_file.read_bytes()
        return _Sources(hashlib.sha256(files).digest(), await load_registered(self._database))

    async def _build(self, sources: _Sources) -> ssl.SSLContext:
        """New settings, made beside the requests: OpenSSL takes longer for each certificate the more there are."""
        accepted = trustworthy(sources.registered, self._anchors)
        return await asyncio.to_thread(server_context, self._config, self._anchors, accepted)

"""The key ring that authz made, read here and followed; never a second set of keys."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from tessera_shared import clock, logging
from tessera_shared.errors import StartupError, Unavailable
from tessera_shared.jose.algorithms import Use
from tessera_shared.keystore import publication
from tessera_shared.keystore.live import LiveRing
from tessera_shared.keystore.ring import KeyRing, NoSuchKey
from tessera_shared.keystore.store import KeyStore
from tessera_shared.redis import Redis

HANDOFF_ALG = "A256GCM"

_POLL_SECONDS = 0.5


async def wait_for_keys(store: KeyStore, id_token_alg: str, wait_seconds: float) -> LiveRing:
    """The ring, once authz has made the issuer's signing key and the hand-over's encryption key.

    Raises:
        StartupError: They are not there after `wait_seconds`.

    """

    async def load() -> KeyRing:
        return await store.load(clock.now())

    deadline = monotonic() + wait_seconds
    told = False
    while (missing := _missing(ring := await load(), id_token_alg)) is not None:
        if monotonic() >= deadline:
            raise StartupError(f"keys: {missing} after {wait_seconds:g} s; is authz running?")
        if not told:
            logging.get().info("waiting for the keys that authz makes", missing=missing, seconds=wait_seconds)
        told = True
        await asyncio.sleep(_POLL_SECONDS)
    return LiveRing(ring, load)


def _missing(ring: KeyRing, id_token_alg: str) -> str | None:
    wanted: Sequence[tuple[Use, str]] = (("sig", id_token_alg), ("enc", HANDOFF_ALG))
    now = clock.now()
    try:
        for use, alg in wanted:
            ring.active(use, alg, now)
    except NoSuchKey as error:
        return str(error)
    return None


async def follow_announcements(ring: LiveRing, redis: Redis) -> None:
    """Read the ring again whenever authz announces a change, until cancelled."""
    connected = True
    while True:
        try:
            async for message in publication.changes(redis):
                if message or not connected:
                    await ring.reload()
                connected = True
        except Unavailable as error:
            if connected:
                logging.get().warning("keys: no announcements, reading from time to time", reason=str(error))
            connected = False
            await asyncio.sleep(1.0)

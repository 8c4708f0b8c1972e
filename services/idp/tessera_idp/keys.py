"""The key ring that authz made, read here and followed; never a second set of keys."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from tessera_shared import clock, logging
from tessera_shared.db import Database
from tessera_shared.errors import StartupError, Unavailable
from tessera_shared.jose.algorithms import Use
from tessera_shared.keystore import publication
from tessera_shared.keystore.live import LiveRing
from tessera_shared.keystore.ring import KeyRing, NoSuchKey
from tessera_shared.keystore.store import KeyStore
from tessera_shared.keystore.subject_key import load_subject_key
from tessera_shared.pairwise import Subjects
from tessera_shared.redis import Redis
from tessera_shared.rotating_key import RotatingKey

HANDOFF_ALG = "A256GCM"

_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """What this service has of the issuer's keys.

    Attributes:
        ring: Signs and encrypts.
        master_key: Opens the ring, and seals what this service stores.
        subjects: Pairwise subject identifiers.

    """

    ring: LiveRing
    master_key: RotatingKey
    subjects: Subjects


async def wait_for_keys(
    database: Database, master_key: RotatingKey, id_token_alg: str, wait_seconds: float
) -> IssuerKeys:
    """The keys, once authz has made the issuer's signing key and the hand-over's encryption key.

    Raises:
        StartupError: They are not there after `wait_seconds`.

    """
    store = KeyStore(database, master_key)

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
    return IssuerKeys(LiveRing(ring, load), master_key, Subjects(await load_subject_key(database, master_key)))


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

"""The ring as a running service holds it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from tessera_shared import clock
from tessera_shared.jose.algorithms import generate
from tessera_shared.keystore.live import LiveRing
from tessera_shared.keystore.ring import KeyRing, RingKey

LONG_AGO = datetime.fromtimestamp(0, UTC)


def ring_key(alg="ES256", use="sig", since=timedelta(0)):
    key = generate(alg)
    return RingKey(key.kid, use, alg, key, clock.now(), clock.now() + since, None, None)


class Stored:
    """The stored ring, and how often it was loaded."""

    def __init__(self, *keys):
        self.ring = KeyRing(keys)
        self.loaded = 0

    async def load(self):
        """Read it."""
        await asyncio.sleep(0.01)
        self.loaded += 1
        return self.ring


@pytest.fixture
def stored():
    return Stored(ring_key(), ring_key("A256GCM", "enc"))


@pytest.fixture
def live(stored):
    return LiveRing(stored.ring, stored.load)


async def test_a_known_kid_is_found_without_loading(live, stored):
    assert await live.find(stored.ring.keys[0].kid)
    assert stored.loaded == 0


async def test_a_key_that_another_replica_made_is_found(live, stored):
    made = ring_key()
    stored.ring = KeyRing([made, *stored.ring.keys])
    assert (await live.find(made.kid)).kid == made.kid
    assert live.generation == 1


async def test_unknown_kids_load_the_ring_once_in_a_few_seconds(live, stored):
    assert set(await asyncio.gather(*(live.find(f"unknown {number}") for number in range(50)))) == {None}
    assert stored.loaded == 1
    live._loaded_at = clock.now() - timedelta(seconds=6)
    await live.find("unknown")
    assert stored.loaded == 2


async def test_an_encryption_key_verifies_nothing(live, stored):
    assert await live.find(stored.ring.keys[1].kid) is None


async def test_the_generation_grows_with_a_change_only(live, stored):
    await live.reload()
    assert live.generation == 0
    stored.ring = KeyRing(stored.ring.keys[1:])
    await live.reload()
    assert live.generation == 1


async def test_each_key_is_logged_when_it_starts_to_sign_or_encrypt(stored):
    with capture_logs() as lines:
        live = LiveRing(stored.ring, stored.load)
        await live.reload()
        assert [(line["kid"], line["use"]) for line in lines] == [(key.kid, key.use) for key in stored.ring.keys]
        announced, taking_over = ring_key(since=timedelta(days=1)), ring_key()
        stored.ring = KeyRing([announced, taking_over, *stored.ring.keys])
        await live.reload()
    assert [line["kid"] for line in lines if line["event"] == "key rotated"][2:] == [taking_over.kid]

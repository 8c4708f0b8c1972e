"""The key ring in a real PostgreSQL: made once, rotated with overlap, opened by its master key alone."""

import asyncio
import os
from datetime import timedelta

import asyncpg
import pytest

from tessera_shared import clock
from tessera_shared.errors import StartupError
from tessera_shared.jose.jwt import Expectation, InvalidToken, mint, verify
from tessera_shared.keystore.ring import KeyState
from tessera_shared.keystore.rotation import RotationPolicy, rotate
from tessera_shared.keystore.store import KeyStore
from tessera_shared.rotating_key import RotatingKey

pytestmark = pytest.mark.integration

MASTER = RotatingKey(os.urandom(32))
DAY = timedelta(days=1)
POLICY = RotationPolicy(("ES256", "RS256", "A256GCM"), period=90 * DAY, announce=DAY, overlap=2 * DAY)


@pytest.fixture
async def authz(fresh_database_as):
    return await fresh_database_as("authz")


@pytest.fixture
def store(authz):
    return KeyStore(authz, MASTER)


async def rows(database):
    return await database.fetch("SELECT * FROM keys.ring ORDER BY alg, active_from")


async def test_ten_replicas_that_start_at_once_make_one_key_of_each_algorithm(authz):
    now = clock.now()
    starts = [now + timedelta(milliseconds=number - 5) for number in range(10)]  # their clocks differ
    rings = await asyncio.gather(*(rotate(authz, KeyStore(authz, MASTER), POLICY, start) for start in starts))
    assert [row["alg"] for row in await rows(authz)] == ["A256GCM", "ES256", "RS256"]
    assert len({frozenset(key.kid for key in ring.keys) for ring in rings}) == 1
    assert len(rings[0].keys) == 3


async def test_a_second_start_makes_nothing(authz, store):
    first = await rotate(authz, store, POLICY, clock.now())
    second = await rotate(authz, store, POLICY, clock.now())
    assert {key.kid for key in first.keys} == {key.kid for key in second.keys}


async def test_ten_replicas_make_one_successor(authz, store):
    now = clock.now()
    await rotate(authz, store, POLICY, now)
    later = now + 89 * DAY
    await asyncio.gather(*(rotate(authz, KeyStore(authz, MASTER), POLICY, later) for _ in range(10)))
    assert [row["alg"] for row in await rows(authz)] == ["A256GCM"] * 2 + ["ES256"] * 2 + ["RS256"] * 2


class Ring:
    """A key source over a ring at a time."""

    def __init__(self, ring, now):
        self.keys = ring.verification_keys(now)

    async def find(self, kid):
        """The key of that kid."""
        return self.keys.get(kid)


async def test_a_rotation_announces_takes_over_overlaps_and_ends(authz, store):
    now = clock.now()
    first = (await rotate(authz, store, POLICY, now)).active("sig", "ES256", now)
    expectation = Expectation("JWT", ("ES256",), "issuer", ("aud",), ("iss",), timedelta(days=1000))
    token = mint({"iss": "issuer", "aud": "aud"}, key=first.key, kid=first.kid, alg="ES256", typ="JWT")

    def states(ring, moment):
        return [key.state(moment) for key in ring.keys if key.alg == "ES256"]

    announced = now + 89 * DAY
    ring = await rotate(authz, store, POLICY, announced)
    assert states(ring, announced) == [KeyState.NEXT, KeyState.ACTIVE]
    assert ring.active("sig", "ES256", announced).kid == first.kid
    assert len(ring.public_jwks(announced)["keys"]) == 4

    taken_over = now + 90 * DAY
    ring = await rotate(authz, store, POLICY, taken_over)
    assert states(ring, taken_over) == [KeyState.ACTIVE, KeyState.RETIRED]
    second = ring.active("sig", "ES256", taken_over)
    assert second.kid != first.kid
    await verify(token, Ring(ring, taken_over), expectation, taken_over)

    ended = now + 92 * DAY
    ring = await rotate(authz, store, POLICY, ended)
    assert states(ring, ended) == [KeyState.ACTIVE]
    with pytest.raises(InvalidToken):
        await verify(token, Ring(ring, ended), expectation, ended)

    after_purge = now + 179 * DAY
    await rotate(authz, store, POLICY, after_purge)
    assert first.kid not in {row["kid"] for row in await rows(authz)}


async def test_a_wrong_master_key_ends_the_start_with_one_line(authz, store):
    await rotate(authz, store, POLICY, clock.now())
    with pytest.raises(StartupError, match="the master key does not open the stored key") as refused:
        await rotate(authz, KeyStore(authz, RotatingKey(os.urandom(32))), POLICY, clock.now())
    assert "\n" not in str(refused.value)


async def test_a_private_part_moved_to_another_row_is_refused(authz, store, fresh_database_as):
    await rotate(authz, store, POLICY, clock.now())
    owner = await fresh_database_as("owner")
    private_part = await owner.fetchval("SELECT private_part FROM keys.ring WHERE alg = 'RS256'")
    await owner.execute("UPDATE keys.ring SET private_part = $1 WHERE alg = 'ES256'", private_part)
    with pytest.raises(StartupError, match="does not open"):
        await store.load(clock.now())


async def test_a_key_is_opened_once_however_often_the_ring_is_loaded(store, authz):
    await rotate(authz, store, POLICY, clock.now())
    first, second = await store.load(clock.now()), await store.load(clock.now())
    assert [key.key for key in first.keys] == [key.key for key in second.keys]
    assert all(one.key is other.key for one, other in zip(first.keys, second.keys, strict=True))


async def test_private_parts_cannot_be_read_in_the_table(authz, store):
    ring = await rotate(authz, store, POLICY, clock.now())
    everything = b"".join(
        value if isinstance(value, bytes) else str(value).encode()
        for row in await rows(authz)
        for value in row.values()
    )
    for key in ring.keys:
        members = key.key.as_dict(private=True)
        secrets = [members[name] for name in ("d", "p", "q", "dp", "dq", "qi", "k") if name in members]
        assert secrets
        for secret in secrets:
            assert secret.encode() not in everything
    assert b'"d"' not in everything
    assert b"PRIVATE" not in everything


async def test_a_symmetric_key_has_no_public_half_in_the_table(authz, store):
    await rotate(authz, store, POLICY, clock.now())
    assert [(row["alg"], row["public_jwk"] is None) for row in await rows(authz)] == [
        ("A256GCM", True),
        ("ES256", False),
        ("RS256", False),
    ]


async def test_idp_reads_the_ring_that_authz_made_and_cannot_make_one(authz, store, fresh_database_as):
    made = await rotate(authz, store, POLICY, clock.now())
    idp = await fresh_database_as("idp")
    read = await KeyStore(idp, MASTER).load(clock.now())
    assert [key.kid for key in read.keys] == [key.kid for key in made.keys]
    more = RotationPolicy((*POLICY.algorithms, "ES384"), POLICY.period, POLICY.announce, POLICY.overlap)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await rotate(idp, KeyStore(idp, MASTER), more, clock.now())
    assert len(await rows(authz)) == 3


async def test_each_new_key_is_logged_with_its_kid(authz, store, capsys):
    ring = await rotate(authz, store, POLICY, clock.now())
    logged = capsys.readouterr().out
    assert logged.count("key made") == 3
    assert all(key.kid in logged for key in ring.keys)

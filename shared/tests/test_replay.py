"""A jti is accepted once by all replicas, with real stores, whatever is down, comes back or was lost."""

import asyncio
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from tessera_shared import clock
from tessera_shared.errors import Unavailable
from tessera_shared.replay import RECORD, ReplayMemory

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)


def replica(stores):
    return ReplayMemory(*stores)


async def use(memory, jti, kind="DPoP proof", issuer="a key"):
    return await memory.is_first_use(kind, issuer, jti, clock.now() + MINUTE)


@contextmanager
def away(servers, *names):
    servers.kill(*names)
    try:
        yield
    finally:
        servers.start(*names)


@pytest.fixture
async def authz(own_database_as, own_redis_as):
    return await own_database_as("authz"), await own_redis_as("authz")


@pytest.fixture
async def rs(own_database_as, own_redis_as):
    return await own_database_as("rs"), await own_redis_as("rs")


@pytest.mark.parametrize("service", ["authz", "idp", "rs"])
async def test_each_service_may_record_a_use_in_both_stores(database_as, redis_as, service):
    stores = await database_as(service), await redis_as(service)
    jti = uuid4().hex
    assert await use(replica(stores), jti)
    assert not await use(replica(stores), jti)
    assert await stores[1].set_once(f"tessera:jti:{uuid4().hex}", 5)
    assert await stores[0].fetchval(RECORD, uuid4().bytes, clock.now(), "on")


async def test_the_same_jti_of_another_kind_or_issuer_is_another(database_as, redis_as):
    memory = replica((await database_as("rs"), await redis_as("rs")))
    jti = uuid4().hex
    uses = [("DPoP proof", "a"), ("DPoP proof", "b"), ("client assertion", "a"), ("request object", "a")]
    assert [await use(memory, jti, *one) for one in uses] == [True] * 4
    assert [await use(memory, jti, *one) for one in uses] == [False] * 4


async def test_a_jti_may_hold_any_character(database_as, redis_as):
    memory = replica((await database_as("rs"), await redis_as("rs")))
    for jti in ("\x00", "\ud800", "ä" * 500, '"],["', uuid4().hex):
        assert await use(memory, jti, issuer=(issuer := uuid4().hex))
        assert not await use(memory, jti, issuer=issuer)


async def test_of_many_uses_at_the_same_time_one_is_the_first(authz, rs):
    replicas = [replica(authz), replica(rs), replica(authz)]
    for _ in range(5):
        jti = uuid4().hex
        uses = await asyncio.gather(*(use(replicas[number % 3], jti) for number in range(9)))
        assert sum(uses) == 1


async def test_a_jti_used_before_redis_went_away_is_known_while_it_is_away(own_servers, authz, rs):
    jti = uuid4().hex
    assert await use(replica(authz), jti)
    with away(own_servers, "redis"):
        assert not await use(replica(rs), jti)


async def test_a_jti_used_while_redis_was_away_is_known_when_it_is_back(own_servers, authz, rs):
    idle, busy, jti = replica(rs), replica(authz), uuid4().hex
    with away(own_servers, "redis"):
        assert await use(busy, jti)
        assert not await use(busy, jti)
    assert not await use(idle, jti), "a replica that never noticed the outage"
    assert not await use(busy, jti)
    await asyncio.sleep(1.1)
    assert not await use(busy, jti)


async def test_a_jti_is_known_when_redis_lost_its_data(own_servers, authz, rs):
    jti = uuid4().hex
    assert await use(replica(authz), jti)
    own_servers.lose_redis_data()
    own_servers.start("redis")
    assert not await use(replica(rs), jti)


async def test_a_jti_used_while_postgresql_was_away_is_known_when_it_is_back(own_servers, authz, rs):
    jti = uuid4().hex
    with away(own_servers, "postgres"):
        assert await use(replica(rs), jti)
        assert not await use(replica(authz), jti)
    assert not await use(replica(authz), jti)


async def test_replicas_that_reach_different_stores_agree(authz, rs):
    cut_off = ReplayMemory(rs[0], _Unreachable())
    first, second = uuid4().hex, uuid4().hex
    assert await use(cut_off, first)
    assert not await use(replica(authz), first)
    assert await use(replica(authz), second)
    assert not await use(cut_off, second)


async def test_with_both_stores_away_nothing_is_accepted_and_nothing_is_held_against_them(own_servers, authz):
    memory = replica(authz)
    with away(own_servers, "postgres", "redis"), pytest.raises(Unavailable):
        await use(memory, uuid4().hex)
    assert await use(memory, uuid4().hex)


async def test_a_store_that_missed_uses_is_not_relied_on_alone(own_servers, authz):
    memory = replica(authz)
    with away(own_servers, "redis"):
        assert await use(memory, uuid4().hex)
    await asyncio.sleep(1.1)
    with away(own_servers, "postgres"), pytest.raises(Unavailable):
        await use(memory, uuid4().hex)
    await asyncio.sleep(1.1)
    assert await use(memory, uuid4().hex)


@pytest.mark.parametrize("name", ["redis", "postgres"])
async def test_a_store_that_hangs_holds_up_for_less_than_a_second(own_servers, authz, name):
    memory = replica(authz)
    assert await use(memory, uuid4().hex)
    own_servers.pause(name)
    try:
        async with asyncio.timeout(1.0):
            assert await use(memory, jti := uuid4().hex)
        async with asyncio.timeout(0.3):
            assert not await use(memory, jti)
    finally:
        own_servers.resume(name)


async def test_expired_entries_are_purged_and_others_stay(authz):
    memory, now, jti = replica(authz), clock.now(), uuid4().hex
    await memory.is_first_use("DPoP proof", "x", jti, now - 2 * MINUTE)
    await use(memory, jti, issuer="y")
    before = await authz[0].fetchval("SELECT count(*) FROM replay.used_jti WHERE expires_at < now()")
    await memory.purge(now)
    assert before >= 1
    assert await authz[0].fetchval("SELECT count(*) FROM replay.used_jti WHERE expires_at < now()") == 0
    assert not await use(memory, jti, issuer="y")


async def test_postgresql_waits_for_the_disk_only_when_it_is_alone(authz):
    telling = RECORD.replace("RETURNING true", "RETURNING current_setting('synchronous_commit')")
    for setting in ("off", "on"):
        assert await authz[0].fetchval(telling, uuid4().bytes, clock.now(), setting) == setting
    assert await authz[0].fetchval("SHOW synchronous_commit") == "on"


class _Unreachable:
    """A replica's way to Redis, cut."""

    async def set_once(self, *_):
        raise Unavailable("nothing answers")

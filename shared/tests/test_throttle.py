"""Rate limits: exact under concurrency, the same for all replicas, and still there while Redis is away."""

import asyncio
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from tessera_shared import clock, throttle
from tessera_shared.throttle import KEY, Budget, Rate, Throttle, retry_after

pytestmark = pytest.mark.integration

FIVE_AN_HOUR = Rate(5, timedelta(hours=1))
STEP = timedelta(minutes=12)
SECOND = timedelta(seconds=1)


@contextmanager
def away(servers):
    servers.kill("redis")
    try:
        yield
    finally:
        servers.start("redis")


def budget(rate=FIVE_AN_HOUR):
    return Budget("test", uuid4().hex, rate)


async def waits(limits, one, times):
    return [await limits.admit(one.name, one.key, one.rate) for _ in range(times)]


@pytest.mark.parametrize("service", ["authz", "idp"])
async def test_as_many_as_the_limit_are_admitted_and_the_next_is_told_how_long_to_wait(redis_as, service):
    limits, one = Throttle(await redis_as(service)), budget()
    *admitted, refused = await waits(limits, one, 6)
    assert admitted == [None] * 5
    assert STEP - SECOND < refused <= STEP


async def test_a_refused_attempt_does_not_prolong_the_wait(redis_as):
    limits, one = Throttle(await redis_as("idp")), budget()
    refused = (await waits(limits, one, 50))[-1]
    assert refused <= STEP


async def test_a_budget_refills_evenly(redis_as):
    limits, one = Throttle(await redis_as("idp")), budget(Rate(2, timedelta(seconds=1)))
    assert await waits(limits, one, 2) == [None, None]
    refused = await limits.admit(one.name, one.key, one.rate)
    assert refused <= timedelta(seconds=0.5)
    await asyncio.sleep(refused.total_seconds() + 0.05)
    assert await limits.admit(one.name, one.key, one.rate) is None


async def test_of_fifty_attempts_at_once_exactly_the_limit_passes_in_two_replicas(redis_as):
    replicas, one = [Throttle(await redis_as("idp")), Throttle(await redis_as("authz"))], budget()
    answers = await asyncio.gather(*(replicas[i % 2].admit(one.name, one.key, one.rate) for i in range(50)))
    assert answers.count(None) == 5


async def test_where_one_budget_is_empty_nothing_is_taken_from_the_others(redis_as):
    limits, empty, other = Throttle(await redis_as("idp")), budget(), budget()
    await waits(limits, empty, 5)
    assert [await limits.admit_all((other, empty)) is None for _ in range(9)] == [False] * 9
    assert await waits(limits, other, 5) == [None] * 5


async def test_what_is_given_back_can_be_taken_again_but_never_more(redis_as):
    limits, one = Throttle(await redis_as("idp")), budget()
    await waits(limits, one, 5)
    await limits.give_back((one,))
    assert [wait is None for wait in await waits(limits, one, 2)] == [True, False]
    for _ in range(20):
        await limits.give_back((one,))
    assert [wait is None for wait in await waits(limits, one, 6)] == [True] * 5 + [False]


async def test_kinds_and_keys_are_told_apart_and_stored_as_hashes(redis_as):
    redis = await redis_as("idp")
    limits, key = Throttle(redis), uuid4().hex
    for name in ("login", "reset"):
        assert await limits.admit(name, key, Rate(1, timedelta(hours=1))) is None
    place = Budget("login", key, FIVE_AN_HOUR).place
    assert place.startswith(KEY)
    assert key not in place
    assert int(await redis.get(place)) > 0


async def test_while_redis_is_away_a_process_counts_alone_and_does_not_ask_each_time(own_servers, own_redis_as):
    limits, one = Throttle(await own_redis_as("idp")), budget()
    with away(own_servers):
        before = clock.steady()
        answers = await waits(limits, one, 8)
        assert clock.steady() - before < timedelta(seconds=2)
        assert [wait is None for wait in answers] == [True] * 5 + [False] * 3
        assert STEP - SECOND < answers[-1] <= STEP
        await limits.give_back((one,))
        assert await limits.admit(one.name, one.key, one.rate) is None
    await asyncio.sleep(1)
    other = budget()
    assert [wait is None for wait in await waits(limits, other, 6)] == [True] * 5 + [False]


async def test_a_redis_that_hangs_does_not_hold_anyone_up(own_servers, own_redis_as):
    limits, one = Throttle(await own_redis_as("idp")), budget()
    own_servers.pause("redis")
    try:
        before = clock.steady()
        assert await waits(limits, one, 5) == [None] * 5
        assert clock.steady() - before < timedelta(seconds=1)
    finally:
        own_servers.resume("redis")


async def test_memory_is_bounded_while_redis_is_away(own_servers, own_redis_as, monkeypatch):
    monkeypatch.setattr(throttle, "_REMEMBERED", 100)
    limits = Throttle(await own_redis_as("idp"))
    with away(own_servers):
        for _ in range(300):
            one = budget()
            await limits.admit(one.name, one.key, one.rate)
        assert len(limits._ends) == 100


def test_retry_after_is_at_least_a_whole_second():
    assert retry_after(timedelta(milliseconds=1)) == {"retry-after": "1"}
    assert retry_after(timedelta(seconds=59.2)) == {"retry-after": "60"}

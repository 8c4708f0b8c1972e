"""Revocation with a real PostgreSQL and Redis: nothing is lost, whatever is down, hangs, or commits out of order."""

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tessera_shared import clock
from tessera_shared.revocation import durable
from tessera_shared.revocation.entry import Revocation
from tessera_shared.revocation.view import MAX_STALENESS, RevocationView

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)


def new(kind="jti", ends=HOUR):
    return Revocation(kind, uuid4().hex, clock.now() + ends)


def knows(view, revocation):
    return view.is_revoked({revocation.kind: revocation.value, "sub": "alice"})


async def until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def following(database, redis):
    view = RevocationView(database, redis)
    await view.load()
    task = asyncio.create_task(view.follow())
    try:
        yield view
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled(), task.exception()


@pytest.fixture
async def authz(own_database_as, own_redis_as):
    return await own_database_as("authz"), await own_redis_as("authz")


@pytest.fixture
async def rs(own_database_as, own_redis_as):
    return await own_database_as("rs"), await own_redis_as("rs")


@pytest.fixture
async def view(rs):
    async with following(*rs) as followed:
        yield followed


async def announce(redis, revocation):
    await durable.announce(redis, [revocation], HOUR, clock.now())


@pytest.mark.parametrize("kind", ["jti", "grant_id", "client_id"])
async def test_what_was_revoked_before_the_start_is_known_at_the_start(authz, rs, kind):
    revocation = new(kind)
    await durable.add(authz[0], revocation)
    view = RevocationView(*rs)
    await view.load()
    assert knows(view, revocation)
    assert not view.is_revoked({"jti": "other", "grant_id": "other", "client_id": "other"})
    assert view.is_current()


async def test_an_announcement_arrives_at_once(authz, view):
    revocation = new()
    await asyncio.sleep(0.1)
    await announce(authz[1], revocation)
    await until(lambda: knows(view, revocation), 0.3)


async def test_what_was_announced_between_loading_and_following_is_not_lost(authz, rs):
    view = RevocationView(*rs)
    await view.load()
    revocation = new()
    await announce(authz[1], revocation)
    task = asyncio.create_task(view.follow())
    await until(lambda: knows(view, revocation), 0.5)
    task.cancel()


async def test_what_was_never_announced_is_read_from_the_database(authz, view):
    revocation = new()
    await durable.add(authz[0], revocation)
    await until(lambda: knows(view, revocation), 2.5)


async def test_what_the_database_said_once_is_known_when_it_is_away(authz, rs):
    database, redis = rs
    view = RevocationView(database, redis)
    revocation = new()
    await durable.add(authz[0], revocation)
    claims = {revocation.kind: revocation.value, "sub": "alice"}
    assert not view.is_revoked(claims)
    assert await view.is_listed(claims)
    assert view.is_revoked(claims)
    assert not await view.is_listed({"jti": uuid4().hex})


async def test_two_revocations_that_commit_out_of_order_are_both_found(authz, view):
    early, late = new(), new()
    async with authz[0].transaction() as tx:
        await tx.execute(durable.INSERT, early.kind, early.value, early.expires_at)
        await durable.add(authz[0], late)
        await until(lambda: knows(view, late), 2.5)
        assert not knows(view, early)
    await until(lambda: knows(view, early), 2.5)


async def test_an_entry_is_forgotten_only_when_no_clock_can_accept_its_token(authz, rs):
    just_ended, long_ended = new(ends=timedelta(seconds=-290)), new(ends=timedelta(seconds=-310))
    for revocation in (just_ended, long_ended):
        await durable.add(authz[0], revocation)
    await durable.purge(authz[0], clock.now())
    view = RevocationView(*rs)
    await view.load()
    assert knows(view, just_ended)
    assert not knows(view, long_ended)


async def test_revoking_again_keeps_the_later_end_everywhere(authz, rs):
    first = new("client_id", ends=timedelta(seconds=60))
    longer, shorter = (Revocation(first.kind, first.value, clock.now() + ends) for ends in (HOUR, timedelta(0)))
    await durable.add(authz[0], first)
    view = RevocationView(*rs)
    await view.load()
    await authz[0].execute("UPDATE revocation.entries SET revoked_at = revoked_at - interval '10 minutes'")
    await durable.add(authz[0], new())
    await view.load()
    await durable.add(authz[0], longer)
    await durable.add(authz[0], shorter)
    await view.load()
    assert view._entries[first.kind, first.value] == longer.expires_at


async def test_an_announcement_that_cannot_be_understood_does_not_stop_the_view(authz, view):
    await authz[1].append(durable.STREAM, {"kind": "jti"}, clock.now() - HOUR)
    await authz[1].append(durable.STREAM, {"kind": "jti", "value": "x", "expires_at": "soon"}, clock.now() - HOUR)
    revocation = new()
    await announce(authz[1], revocation)
    await until(lambda: knows(view, revocation), 0.5)
    await until(view.is_current, 2)


async def test_the_stream_is_trimmed_of_what_is_older_than_any_token(authz):
    for _ in range(300):
        await durable.announce(authz[1], [new()], HOUR, clock.now())
    await durable.announce(authz[1], [new()], timedelta(0), clock.now() + timedelta(seconds=1))
    assert len(await authz[1].read(durable.STREAM, "0-0", 0.1)) < 200


async def stays_current(view, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert view.is_current()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("data", ["kept", "lost"])
async def test_the_stream_is_caught_up_after_redis_was_stopped_and_started(own_servers, authz, view, data):
    before = new()
    await announce(authz[1], before)
    await until(lambda: knows(view, before), 0.5)
    if data == "lost":
        own_servers.lose_redis_data()
    else:
        own_servers.kill("redis")
    own_servers.start("redis")
    after = new()
    await announce(authz[1], after)  # and nothing in the database
    await until(lambda: knows(view, after), 2.5)
    assert knows(view, before)


@pytest.mark.parametrize("outage", ["kill", "pause"])
async def test_while_redis_is_away_the_database_is_read_and_the_view_stays_current(own_servers, authz, view, outage):
    getattr(own_servers, outage)("redis")
    try:
        revocation = new()
        await durable.add(authz[0], revocation)
        await until(lambda: knows(view, revocation), 2.5)
        await stays_current(view, 5)
    finally:
        own_servers.start("redis") if outage == "kill" else own_servers.resume("redis")
    await asyncio.sleep(1.5)
    announced = new()
    await announce(authz[1], announced)
    await until(lambda: knows(view, announced), 4)


@pytest.mark.parametrize("outage", ["kill", "pause"])
async def test_while_the_database_is_away_the_stream_is_followed_and_the_view_stays_current(
    own_servers, authz, view, outage
):
    await asyncio.sleep(0.2)
    getattr(own_servers, outage)("postgres")
    try:
        await asyncio.sleep(4)
        revocation = new()
        await announce(authz[1], revocation)
        await until(lambda: knows(view, revocation), 0.5)
        await stays_current(view, 3)
    finally:
        own_servers.start("postgres") if outage == "kill" else own_servers.resume("postgres")
    found = new()
    await asyncio.sleep(1)
    await durable.add(authz[0], found)
    await until(lambda: knows(view, found), 7)


async def test_while_both_are_away_the_view_is_not_current_although_the_clock_is_set_back(
    own_servers, view, monkeypatch
):
    own_servers.kill("redis", "postgres")
    try:
        monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) - HOUR)
        await until(lambda: not view.is_current(), MAX_STALENESS.total_seconds() + 0.1)
    finally:
        own_servers.start("redis", "postgres")
    await until(view.is_current, 7)


async def test_what_was_forgotten_while_the_clock_was_ahead_is_known_again_when_it_is_set_right(authz, rs, monkeypatch):
    revocation = new()
    await durable.add(authz[0], revocation)
    view = RevocationView(*rs)
    with monkeypatch.context() as ahead:
        ahead.setattr(clock, "now", lambda: datetime.now(UTC) + 2 * HOUR)
        await view.load()
    assert not knows(view, revocation)
    await durable.add(authz[0], new())
    await view.load()
    assert knows(view, revocation)


async def test_while_both_are_away_the_view_is_not_current_within_three_seconds(own_servers, authz, view):
    own_servers.kill("redis", "postgres")
    try:
        await until(lambda: not view.is_current(), MAX_STALENESS.total_seconds() + 0.1)
        own_servers.start("redis")  # what was revoked meanwhile may never have been announced
        await asyncio.sleep(3)
        assert not view.is_current()
    finally:
        own_servers.start("postgres")
    await until(view.is_current, 3)
    revocation = new()
    await announce(authz[1], revocation)
    await until(lambda: knows(view, revocation), 1)

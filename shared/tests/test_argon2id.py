"""Password hashing: its parameters, its bound, and that it tells nothing by its time."""

import asyncio

import pytest

from tessera_shared.argon2id import Argon2id, Busy


@pytest.fixture
def argon2id():
    hasher = Argon2id(workers=1, queue=1)
    yield hasher
    hasher.close()


async def test_hash_is_argon2id_of_19_mib_two_passes_one_lane_with_a_salt(argon2id):
    first, second = await argon2id.hash("secret"), await argon2id.hash("secret")
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert await argon2id.verify(first, "secret")
    assert not await argon2id.verify(first, "Secret")
    assert not argon2id.is_outdated(first)


async def test_composed_and_decomposed_characters_are_the_same_password(argon2id):
    assert await argon2id.verify(await argon2id.hash("caf\u00e9"), "cafe\u0301")


async def test_unreadable_hash_matches_nothing(argon2id):
    assert not await argon2id.verify("not a hash", "secret")


async def test_more_than_may_wait_are_sent_away_at_once_and_room_comes_back(argon2id):
    checks = await asyncio.gather(*(argon2id.hash(str(n)) for n in range(5)), return_exceptions=True)
    assert sum(isinstance(check, Busy) for check in checks) == 3
    assert await argon2id.hash("later")


async def test_other_requests_run_while_passwords_are_checked(argon2id):
    check = asyncio.create_task(argon2id.hash("secret"))
    turns = 0
    while not check.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 5

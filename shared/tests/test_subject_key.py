"""The key of pairwise subjects: stored once, and the same whatever the master key is."""

import asyncio
import os
from datetime import timedelta

import pytest

from tessera_shared import clock
from tessera_shared.errors import StartupError
from tessera_shared.keystore.rotation import RotationPolicy, rotate
from tessera_shared.keystore.store import KeyStore
from tessera_shared.keystore.subject_key import ensure_subject_key, load_subject_key, sealed_lasting
from tessera_shared.resealing import reseal
from tessera_shared.rotating_key import RotatingKey
from tessera_shared.sealed import derive_key

pytestmark = pytest.mark.integration

OLD, NEW = os.urandom(32), os.urandom(32)
MASTER = RotatingKey(OLD)
FROM_OLD = derive_key(OLD, b"tessera pairwise subjects")
POLICY = RotationPolicy(("ES256",), timedelta(days=90), timedelta(days=1), timedelta(days=2))


@pytest.fixture
async def authz(fresh_database_as):
    return await fresh_database_as("authz")


async def test_ten_replicas_that_start_at_once_store_one_key_that_hangs_on_no_master_key(authz):
    keys = await asyncio.gather(*(ensure_subject_key(authz, MASTER) for _ in range(10)))
    assert len(set(keys)) == 1
    assert keys[0] != FROM_OLD


async def test_an_installation_from_before_it_was_stored_keeps_the_key_that_it_had(authz, fresh_database_as):
    await rotate(authz, KeyStore(authz, MASTER), POLICY, clock.now())
    idp = await fresh_database_as("idp")
    assert await load_subject_key(idp, MASTER) == FROM_OLD  # idp is of this release before authz is
    # even when the master key is changed in the same breath
    assert await ensure_subject_key(authz, RotatingKey(NEW, (OLD,))) == FROM_OLD
    assert await load_subject_key(idp, RotatingKey(NEW)) == FROM_OLD


async def test_another_master_key_changes_no_subject(authz, fresh_database_as):
    key, both = await ensure_subject_key(authz, MASTER), RotatingKey(NEW, (OLD,))
    assert await ensure_subject_key(authz, both) == key
    assert (await reseal(authz, sealed_lasting(both))).resealed == 1
    assert await load_subject_key(await fresh_database_as("idp"), RotatingKey(NEW)) == key


async def test_a_wrong_master_key_ends_the_start_with_one_line(authz):
    await ensure_subject_key(authz, MASTER)
    for read in (ensure_subject_key, load_subject_key):
        with pytest.raises(StartupError, match="master key does not open"):
            await read(authz, RotatingKey(NEW))


async def test_a_wrong_master_key_makes_no_key_for_an_installation_from_before(authz):
    await rotate(authz, KeyStore(authz, MASTER), POLICY, clock.now())
    with pytest.raises(StartupError, match="master key does not open"):
        await ensure_subject_key(authz, RotatingKey(NEW))
    assert await authz.fetchval("SELECT count(*) FROM keys.lasting") == 0

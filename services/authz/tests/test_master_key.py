"""A new master key: what authz keeps sealed is sealed anew while services run, and the earlier key can go."""

import os
from datetime import timedelta

import pytest

from tessera_authz.commands import master_key
from tessera_authz.commands.work import Work
from tessera_authz.store import client_secrets
from tessera_authz.store.clients import ClientSecret
from tessera_shared import clock, resealing
from tessera_shared.audit import Actor
from tessera_shared.errors import StartupError, Unavailable
from tessera_shared.keystore.rotation import RotationPolicy, rotate
from tessera_shared.keystore.store import KeyStore, sealed_ring
from tessera_shared.keystore.subject_key import ensure_subject_key
from tessera_shared.rotating_key import RotatingKey
from tessera_shared.secret_sealer import SecretSealer

pytestmark = pytest.mark.integration

OLD, NEW = RotatingKey(os.urandom(32)), RotatingKey(os.urandom(32))
BOTH = RotatingKey(NEW.current, (OLD.current,))
POLICY = RotationPolicy(("ES256", "PS256", "A256GCM"), timedelta(days=90), timedelta(days=1), timedelta(days=2))
SECRET = "the readable secret of a client of client_secret_jwt"


@pytest.fixture
async def authz(fresh_database_as):
    """A database whose sealed things are all under the old key."""
    database = await fresh_database_as("authz")
    await ensure_subject_key(database, OLD)
    await rotate(database, KeyStore(database, OLD), POLICY, clock.now())
    await database.execute(
        "INSERT INTO authz.clients (client_id, metadata, created_at, updated_at) VALUES ('c', '{}', now(), now())"
    )
    async with database.transaction() as tx:
        for sealed in (SecretSealer(OLD).seal("c", SECRET), None):
            await client_secrets.add(tx, "c", ClientSecret("a hash", None, sealed), clock.now())
    return database


def work(database, keys=BOTH):
    return Work(None, database, None, keys, None, SecretSealer(keys), Actor("authz", "operator:test", "here"))


async def resealed(database, keys=BOTH):
    """What the command says: for each thing, how many were sealed anew, current and unreadable."""
    told = await master_key.reseal(work(database, keys))
    return {row["what"]: (row["resealed"], row["current"], row["unreadable"]) for row in told}


async def kids(database, keys):
    return {key.kid for key in (await KeyStore(database, keys).load(clock.now())).keys}


async def test_all_is_sealed_anew_once_and_the_earlier_key_opens_nothing_any_more(authz):
    before = await kids(authz, OLD)
    subjects = await ensure_subject_key(authz, OLD)
    made = len(before)
    assert await resealed(authz) == {"keys": (made, 0, 0), "lasting keys": (1, 0, 0), "client secrets": (1, 0, 0)}
    assert await resealed(authz) == {"keys": (0, made, 0), "lasting keys": (0, 1, 0), "client secrets": (0, 1, 0)}
    assert await kids(authz, NEW) == before
    assert await ensure_subject_key(authz, NEW) == subjects
    sealed = await authz.fetchval("SELECT sealed FROM authz.client_secrets WHERE sealed IS NOT NULL")
    assert SecretSealer(NEW).unseal("c", sealed) == SECRET.encode()
    with pytest.raises(StartupError, match="master key does not open"):
        await kids(authz, OLD)


async def test_replicas_with_both_keys_open_what_either_sealed(authz):
    coming = RotatingKey(OLD.current, (NEW.current,))  # a replica that knows the new key but does not use it yet
    await resealed(authz)
    async with authz.transaction() as tx:
        await client_secrets.add(tx, "c", ClientSecret("x", None, SecretSealer(coming).seal("c", "s")), clock.now())
    assert await kids(authz, coming) == await kids(authz, BOTH)
    assert (await resealed(authz))["client secrets"] == (1, 1, 0)


async def test_a_command_that_is_broken_off_is_begun_again(authz, monkeypatch):
    monkeypatch.setattr(resealing, "_AT_ONCE", 1)
    asked = []

    async def breaks(sql, *args):
        asked.append(sql)
        if len(asked) > 2:
            raise Unavailable("postgres", "away")
        return await fetch(sql, *args)

    fetch = authz.fetch
    with monkeypatch.context() as patch:
        patch.setattr(authz, "fetch", breaks)
        with pytest.raises(Unavailable):
            await resealed(authz)
    assert await kids(authz, BOTH) != set()  # some of it under each key
    made = len(await kids(authz, BOTH))
    assert (await resealed(authz))["keys"] == (made - 2, 2, 0)
    assert len(await kids(authz, NEW)) == made


async def test_a_row_that_changes_meanwhile_is_left_alone(authz):
    """What a service wrote between reading and writing stays, and a second run brings it under the new key."""
    column = sealed_ring(BOTH)
    (row, *_) = await authz.fetch(column.page, column.first, 1)
    changed = OLD.seal(OLD.unseal(row["sealed"], column.context(row)), column.context(row))

    await authz.execute("UPDATE keys.ring SET private_part = $2 WHERE kid = $1", row["id"], changed)
    assert await authz.fetchval(column.replace, row["id"], row["sealed"], b"lost") is None
    assert await authz.fetchval("SELECT private_part FROM keys.ring WHERE kid = $1", row["id"]) == changed


async def test_what_no_key_opens_is_counted_and_left_alone(authz):
    lost = SecretSealer(RotatingKey(os.urandom(32))).seal("c", "lost")
    async with authz.transaction() as tx:
        await client_secrets.add(tx, "c", ClientSecret("x", None, lost), clock.now())
    assert (await resealed(authz))["client secrets"] == (1, 0, 1)
    assert await authz.fetchval("SELECT count(*) FROM authz.client_secrets WHERE sealed = $1", lost) == 1


async def test_the_audit_log_says_that_it_was_done(authz, fresh_database_as):
    await resealed(authz)
    owner = await fresh_database_as("owner")
    row = await owner.fetchrow("SELECT actor, details::text FROM audit.events ORDER BY id DESC LIMIT 1")
    assert row["actor"] == "operator:test"
    assert '"resealed": 1' in row["details"]

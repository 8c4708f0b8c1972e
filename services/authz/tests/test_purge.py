"""What has ended is deleted, however much of it there is, and nothing else."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from tessera_authz.store import clients
from tessera_authz.store.clients import ClientSecret
from tessera_authz.store.grants import GrantStore
from tessera_authz.store.pushed_requests import PushedRequestStore
from tessera_authz.store.requests import RequestStore
from tessera_shared import clock
from tessera_shared.revocation import durable

pytestmark = pytest.mark.integration

ENDED, LIVE = timedelta(hours=-1), timedelta(hours=1)

REQUESTS = """
INSERT INTO authz.authorization_requests (id, client_id, parameters, browser_hash, step, created_at, expires_at)
SELECT gen_random_uuid(), 'c', '{}', '', NULL, now(), $1 FROM generate_series(1, $2::int)
"""
PUSHED = """
INSERT INTO authz.pushed_requests (uri_hash, client_id, parameters, created_at, expires_at)
SELECT sha256(gen_random_uuid()::text::bytea), 'c', '{}', now(), $1 FROM generate_series(1, $2::int)
"""
GRANTS = """
INSERT INTO authz.grants (id, client_id, sub, scope, auth_time, acr, amr, created_at, expires_at)
SELECT coalesce($3, gen_random_uuid()), 'c', 'alice', '{}', now(), '1', '{}', now(), $1
FROM generate_series(1, $2::int)
"""
TOKENS = """
INSERT INTO authz.refresh_tokens (token_hash, grant_id, scope, created_at, expires_at, consumed_at, answer)
SELECT sha256(gen_random_uuid()::text::bytea), $3, '{}', now(), $1, $4, 'sealed' FROM generate_series(1, $2::int)
"""
ENTRIES = """
INSERT INTO revocation.entries (kind, value, expires_at)
SELECT 'jti', gen_random_uuid()::text, $1 FROM generate_series(1, $2::int)
"""


@pytest.fixture
async def database(fresh_database_as):
    database = await fresh_database_as("authz")
    async with database.transaction() as tx:
        await clients.add(tx, "c", {}, ClientSecret("hash", None, None), clock.now())
    return database


async def count(database, table):
    return await database.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - constants only


@pytest.mark.parametrize(
    ("table", "insert", "purge"),
    [
        ("authz.authorization_requests", REQUESTS, lambda database, now: RequestStore(database).purge(now)),
        ("authz.pushed_requests", PUSHED, lambda database, now: PushedRequestStore(database).purge(now)),
        ("revocation.entries", ENTRIES, durable.purge),
    ],
)
async def test_more_than_one_statement_can_delete_is_deleted_and_what_lives_stays(database, table, insert, purge):
    now = clock.now()
    await database.execute(insert, now + ENDED, 11_000)
    await database.execute(insert, now + LIVE, 3)
    await purge(database, now)
    assert await count(database, table) == 3


async def test_two_replicas_may_purge_at_once(database):
    now = clock.now()
    await database.execute(REQUESTS, now + ENDED, 11_000)
    await asyncio.gather(*(RequestStore(database).purge(now) for _ in range(2)))
    await RequestStore(database).purge(now)
    assert await count(database, "authz.authorization_requests") == 0


async def test_expired_grants_go_with_their_tokens_and_expired_tokens_go_before_their_grant(database):
    now, ended, live = clock.now(), uuid4(), uuid4()
    await database.execute(GRANTS, now + ENDED, 1, ended)
    await database.execute(GRANTS, now + ENDED, 2_500, None)
    await database.execute(GRANTS, now + LIVE, 1, live)
    await database.execute(TOKENS, now + LIVE, 2, ended, None)
    await database.execute(TOKENS, now + ENDED, 7_000, live, now + ENDED)
    await database.execute(TOKENS, now + LIVE, 6_000, live, now + ENDED)
    await database.execute(TOKENS, now + LIVE, 5, live, now)
    await GrantStore(database).purge(now - timedelta(seconds=10), now)
    assert await count(database, "authz.grants") == 1
    assert await count(database, "authz.refresh_tokens") == 6_005
    assert await count(database, "authz.refresh_tokens WHERE answer IS NOT NULL") == 5

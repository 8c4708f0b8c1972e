"""The data servers: real ones, in a folder, whose data outlives a crash."""

import asyncpg
import pytest
import redis.asyncio

from stack.servers import DataServers

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    with DataServers(tmp_path_factory.mktemp("servers")) as running:
        yield running


async def query(servers, sql):
    connection = await asyncpg.connect(servers.dsn())
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def client(servers, user, password_file):
    password = password_file.read_text().strip()
    return redis.asyncio.Redis(host=servers.host, port=servers.redis_port, username=user, password=password)


async def test_answered_writes_survive_sigkill_of_both(servers):
    await query(servers, "CREATE TABLE kept (value text)")
    await query(servers, "INSERT INTO kept VALUES ('before the crash')")
    async with client(servers, "authz", servers.password_file("authz", "redis_password")) as authz:
        await authz.set("tessera:kept", "before the crash")
    servers.kill()
    servers.start()
    assert await query(servers, "SELECT value FROM kept") == "before the crash"
    async with client(servers, "rs", servers.password_file("rs", "redis_password")) as rs:
        assert await rs.get("tessera:kept") == b"before the crash"


async def test_each_server_stops_and_starts_alone_on_its_port(servers):
    port = servers.postgres_port
    servers.stop("postgres")
    assert servers.ready("redis")
    assert not servers.processes["postgres"].running
    servers.start("postgres")
    assert servers.postgres_port == port
    assert await query(servers, "SELECT 1") == 1


async def test_wrong_password_is_refused(servers):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(servers.dsn(), password="guessed")


async def test_collation_is_the_same_everywhere(servers):
    assert await query(servers, "SELECT datcollate FROM pg_database WHERE datname = 'tessera'") == "C"


@pytest.mark.parametrize("service", ["idp", "rs"])
async def test_followers_may_read_and_remember_token_ids_but_not_write_keys(servers, service):
    async with client(servers, service, servers.password_file(service, "redis_password")) as follower:
        assert await follower.get("tessera:jwks") is None
        assert await follower.set(f"tessera:jti:{service}:abc", "1", nx=True, ex=60)
        for forbidden in (
            follower.set("tessera:jwks", "mine"),
            follower.xadd("tessera:revoked", {"jti": "x"}),
            follower.publish("tessera:keys", "mine"),
            follower.flushall(),
            follower.get("other"),
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                await forbidden


async def test_without_a_user_redis_tells_nothing(servers):
    async with redis.asyncio.Redis(host=servers.host, port=servers.redis_port) as anonymous:
        with pytest.raises(redis.exceptions.AuthenticationError):
            await anonymous.get("tessera:jwks")

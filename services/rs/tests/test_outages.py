"""The real process while PostgreSQL, Redis or both are away: a revoked token is never accepted because of it."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from urllib.parse import parse_qs
from uuid import uuid4

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def settled(rs, http):
    """After the last outage: both are followed again, which takes a reading of the database after the stream is up."""
    await rs.healthy(http, seconds=5)
    await until(lambda: follows_the_stream(rs), 15)
    await asyncio.sleep(2.5)


async def follows_the_stream(service):
    """What its log says: a connection that was tried while Redis was away may take its whole time-out to fail."""
    log = service.log.read_text()
    return log.count("revocations: stream lost") == log.count("revocations: following the stream again")


async def status(http, service, token, path="/resource"):
    return (await http.get(f"{service.url}{path}", headers={"authorization": f"Bearer {token}"})).status_code


async def until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def away(servers, *names):
    servers.kill(*names)
    try:
        yield
    finally:
        servers.start(*names)


async def test_while_redis_is_away_tokens_are_accepted_and_revoked_ones_refused(http, rs, issuer, own_servers):
    revoked = uuid4().hex
    token, other = issuer.token(jti=revoked), issuer.token()
    assert await status(http, rs, token) == 200
    async with away(own_servers, "redis"):
        await issuer.revoke("jti", revoked, announced=False)
        await until(lambda: is_refused(http, rs, token), 2.5)
        for _ in range(50):
            assert await status(http, rs, other) == 200
            await asyncio.sleep(0.1)
        assert (await http.get(f"{rs.url}/health")).status_code == 200
    assert await status(http, rs, token) == 401


async def is_refused(http, service, token):
    return await status(http, service, token) == 401


async def test_while_the_database_is_away_tokens_are_accepted_and_announced_revocations_count(
    http, rs, issuer, own_servers
):
    revoked = uuid4().hex
    token, other = issuer.token(jti=revoked), issuer.token()
    await issuer.revoke("jti", revoked, announced=False)
    await until(lambda: is_refused(http, rs, token), 2.5)
    async with away(own_servers, "postgres"):
        for _ in range(40):
            assert await status(http, rs, other) == 200
            assert await status(http, rs, token) == 401
            await asyncio.sleep(0.1)


async def test_while_both_are_away_every_token_is_refused_within_three_seconds(http, rs, issuer, own_servers):
    token = issuer.token()
    assert await status(http, rs, token) == 200
    async with away(own_servers, "redis", "postgres"):
        started = time.monotonic()
        while await status(http, rs, token) == 200:
            assert time.monotonic() - started < 3.2
            await asyncio.sleep(0.02)
        answer = await http.get(f"{rs.url}/resource", headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert answer.headers["retry-after"] == "1"
        assert await status(http, rs, "malformed") == 401
        health = await http.get(f"{rs.url}/health")
        assert (health.status_code, health.json()) == (503, {"status": "unavailable", "failing": ["revocations"]})
        assert "revocations cannot be known" in rs.log.read_text()
    await rs.healthy(http, seconds=5)
    assert await status(http, rs, token) == 200


async def test_what_was_revoked_while_rs_saw_neither_is_refused_afterwards(http, rs, issuer, own_servers):
    revoked = uuid4().hex
    token = issuer.token(jti=revoked)
    assert await status(http, rs, token) == 200
    own_servers.kill("redis")
    try:
        await issuer.revoke("jti", revoked, announced=False)
    finally:
        own_servers.kill("postgres")
        own_servers.start("postgres", "redis")
    await until(lambda: is_refused(http, rs, token), 5)
    await asyncio.sleep(1)
    assert await status(http, rs, token) == 401


class Introspection:
    """An introspection endpoint that knows which tokens are active."""

    def __init__(self):
        self.active = set()
        self.asked = []
        self.broken = False

    async def serve(self, reader, writer):
        """Answer one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        token = parse_qs((await reader.readexactly(length)).decode())["token"][0]
        self.asked.append(token)
        body = json.dumps({"active": token in self.active})
        first = "500 Internal Server Error" if self.broken else "200 OK"
        writer.write(f"HTTP/1.1 {first}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode())
        writer.close()


@pytest.fixture
async def introspection():
    made = Introspection()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/introspect"
    yield made
    server.close()


@pytest.fixture
async def introspecting(new_service, introspection, http, tmp_path):
    (tmp_path / "secret").write_text("secret")
    service = new_service(
        REVOCATION__WHEN_UNREACHABLE="introspect",
        INTROSPECTION__URL=introspection.url,
        INTROSPECTION__CLIENT_ID="rs",
        INTROSPECTION__CLIENT_SECRET_FILE=str(tmp_path / "secret"),
    )
    await service.start()
    await service.healthy(http)
    yield service
    await service.stop()


async def test_where_so_configured_introspection_decides_while_both_are_away(
    http, introspecting, introspection, issuer, own_servers
):
    revoked = uuid4().hex
    active, inactive, known = issuer.token(), issuer.token(), issuer.token(jti=revoked)
    introspection.active.update((active, known))
    await issuer.revoke("jti", revoked)
    for token in (active, inactive):
        assert await status(http, introspecting, token) == 200
    assert introspection.asked == []
    async with away(own_servers, "redis", "postgres"):
        await until(lambda: is_refused(http, introspecting, inactive), 4)
        assert await status(http, introspecting, active) == 200
        asked = len(introspection.asked)
        assert asked
        assert await status(http, introspecting, known) == 401
        assert await status(http, introspecting, issuer.token(aud="http://other.example")) == 401
        assert len(introspection.asked) == asked
        assert (await http.get(f"{introspecting.url}/health")).status_code == 200
        introspection.broken = True
        assert await status(http, introspecting, active) == 503

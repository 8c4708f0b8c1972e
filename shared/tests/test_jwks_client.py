"""The issuer's keys as a verifier follows them: by Redis, by HTTP, and kept while the issuer is away."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tessera_shared import clock
from tessera_shared.jose.algorithms import generate
from tessera_shared.jose.jwks_client import JwksClient
from tessera_shared.keystore import publication

pytestmark = pytest.mark.integration


def jwks(*keys):
    return {"keys": [key.as_dict(private=False) for key in keys]}


async def until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.02)


class Issuer:
    """An HTTP server that answers what the test says, and counts."""

    def __init__(self):
        self.requests = 0
        self.status = "200 OK"
        self.body = b"{}"
        self.delay = 0.0
        self.drip = False

    async def serve(self, reader, writer):
        """Answer one request."""
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        await asyncio.sleep(self.delay)
        head = [f"HTTP/1.1 {self.status}", "location: /elsewhere", f"content-length: {len(self.body)}", "", ""]
        writer.write("\r\n".join(head).encode())
        for byte in self.body if self.drip else ():
            writer.write(bytes([byte]))
            await asyncio.sleep(1)
        writer.write(b"" if self.drip else self.body)
        writer.close()

    def publish(self, *keys):
        """Answer these keys from now on."""
        self.body = json.dumps(jwks(*keys)).encode()


@pytest.fixture
async def issuer():
    made = Issuer()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks"
    yield made
    server.close()


@asynccontextmanager
async def following(url, redis):
    client = JwksClient(url, redis)
    task = asyncio.create_task(client.follow())
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()
    assert task.cancelled(), task.exception()


NOBODY = "http://127.0.0.1:9/jwks"


@pytest.fixture
async def authz(own_redis_as):
    return await own_redis_as("authz")


@pytest.fixture
async def rs(own_redis_as, authz):
    await authz.swap(publication.SNAPSHOT, json.dumps({"keys": []}))
    return await own_redis_as("rs")


@pytest.fixture
async def client(issuer, rs):
    made = JwksClient(issuer.url, rs)
    yield made
    await made.close()


async def test_keys_come_from_the_redis_snapshot_while_the_issuer_is_away(authz, rs):
    key = generate("ES256")
    await publication.publish(authz, jwks(key))
    async with following(NOBODY, rs) as client:
        await until(lambda: client.has_keys, 2)
        assert (await client.find(key.kid)).alg == "ES256"


async def test_a_published_change_arrives_at_once(authz, rs, issuer):
    first, second = generate("ES256"), generate("ES256")
    issuer.publish(first)
    await publication.publish(authz, jwks(first))
    async with following(issuer.url, rs) as client:
        await until(lambda: client.has_keys and issuer.requests, 2)
        generation, requests = client.generation, issuer.requests
        await publication.publish(authz, jwks(second, first))
        await until(lambda: client.generation > generation, 0.5)
        assert await client.find(second.kid)
        assert await client.find(first.kid)
        await publication.publish(authz, jwks(second))
        await until(lambda: first.kid not in client._keys, 0.5)
        assert issuer.requests == requests


async def test_publishing_the_same_set_again_announces_nothing(authz, rs):
    key = generate("ES256")
    await publication.publish(authz, jwks(key))
    messages = rs.subscribe(publication.CHANNEL)
    assert await anext(messages) == ""
    await publication.publish(authz, jwks(key))
    assert await anext(messages) == ""
    await publication.publish(authz, jwks())
    assert await anext(messages) == "changed"
    await messages.aclose()


@pytest.mark.parametrize("snapshot", ["not json", "[]", '{"keys": 5}', "[" * 5000])
async def test_a_snapshot_that_cannot_be_understood_does_not_stop_http(authz, rs, issuer, snapshot):
    key = generate("ES256")
    issuer.publish(key)
    await authz.swap(publication.SNAPSHOT, snapshot)
    with capture_logs() as lines:
        async with following(issuer.url, rs) as client:
            await until(lambda: key.kid in client._keys, 1)
    assert any(line["log_level"] == "error" for line in lines)


async def test_keys_come_by_http_while_redis_is_away(own_servers, authz, rs, issuer):
    first, second = generate("ES256"), generate("ES256")
    issuer.publish(first)
    own_servers.kill("redis")
    try:
        async with following(issuer.url, rs) as client:
            await until(lambda: client.has_keys, 2)
            own_servers.start("redis")
            await asyncio.sleep(1.5)
            await publication.publish(authz, jwks(first, second))
            await until(lambda: second.kid in client._keys, 1)
    finally:
        if not await answers(authz):
            own_servers.start("redis")


async def test_redis_being_away_is_logged_once(own_servers, rs, issuer):
    issuer.publish(generate("ES256"))
    own_servers.kill("redis")
    try:
        with capture_logs() as lines:
            async with following(issuer.url, rs):
                await asyncio.sleep(3.5)
    finally:
        own_servers.start("redis")
    assert len([line for line in lines if "no announcements" in line["event"]]) == 1


async def answers(redis):
    try:
        await redis.ping()
    except Exception:  # noqa: BLE001 - any of them means no
        return False
    return True


async def test_an_unknown_kid_is_looked_for_once_however_many_ask(client, issuer):
    key = generate("ES256")
    issuer.publish(key)
    issuer.delay = 0.1
    found = await asyncio.gather(*(client.find(kid) for kid in [key.kid, "unknown"] * 50))
    assert issuer.requests == 1
    assert [entry.kid if entry else None for entry in found] == [key.kid, None] * 50
    for number in range(20):
        await client.find(f"unknown {number}")
    assert issuer.requests == 1


async def test_a_new_kid_is_found_once_a_few_seconds_have_passed(client, issuer):
    first, second = generate("ES256"), generate("ES256")
    issuer.publish(first)
    await client.find(first.kid)
    issuer.publish(first, second)
    client._fetched_at = clock.steady() - timedelta(seconds=4)
    assert await client.find(second.kid) is None
    client._fetched_at = clock.steady() - timedelta(seconds=5)
    assert await client.find(second.kid)
    assert await client.find(first.kid)
    assert issuer.requests == 2


FAULTS = {
    "500": {"status": "500 Internal Server Error"},
    "404": {"status": "404 Not Found"},
    "redirect": {"status": "302 Found"},
    "no json": {"body": b"<html>"},
    "not utf-8": {"body": b"\xff\xfe"},
    "no key set": {"body": b"[]"},
    "too large": {"body": b'{"keys": [' + b" " * 300_000 + b"]}"},
    "nested": {"body": b'{"keys": ' + b"[" * 10_000},
    "cut off": {"status": "200 OK\r\ncontent-length: 9999"},
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_known_keys_are_kept_while_the_issuer_answers_wrongly(client, issuer, fault):
    key = generate("ES256")
    issuer.publish(key)
    await client.find(key.kid)
    generation = client.generation
    for name, value in FAULTS[fault].items():
        setattr(issuer, name, value)
    client._fetched_at = clock.LONG_AGO
    with capture_logs() as lines:
        assert await client.find("unknown") is None
    assert any(line["log_level"] == "warning" for line in lines)
    assert await client.find(key.kid)
    assert client.generation == generation
    assert issuer.requests == 2


async def test_known_keys_are_kept_while_nobody_listens_at_the_issuer(client, issuer):
    key = generate("ES256")
    issuer.publish(key)
    await client.find(key.kid)
    client._fetched_at, client._url = clock.LONG_AGO, NOBODY
    assert await client.find("unknown") is None
    assert await client.find(key.kid)


async def test_an_issuer_that_sends_a_byte_a_second_holds_nobody_up_for_long(client, issuer):
    issuer.publish(generate("ES256"))
    issuer.drip = True
    started = time.monotonic()
    assert await client.find("unknown") is None
    assert time.monotonic() - started < 6


async def test_the_generation_grows_with_a_change_only(client, issuer):
    first, second = generate("ES256"), generate("ES256")
    for keys, generation in [((first,), 1), ((first,), 1), ((first, second), 2), ((second,), 3)]:
        issuer.publish(*keys)
        client._fetched_at = clock.LONG_AGO
        await client.find("unknown")
        assert client.generation == generation

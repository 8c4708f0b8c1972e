"""The introspection client: only `active: true` of the issuer itself lets a token pass."""

import asyncio
import base64
import re
import time
from urllib.parse import parse_qs

import pytest

from tessera_rs.config import Introspection
from tessera_rs.introspection import IntrospectionClient
from tessera_shared.access_token import RevocationUnknown
from tessera_shared.errors import StartupError


class Endpoint:
    """An introspection endpoint that answers what the test says."""

    def __init__(self):
        self.status = "200 OK"
        self.body = b'{"active": true}'
        self.drip = False
        self.request = b""

    async def serve(self, reader, writer):
        """Answer one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        [length] = [int(value) for value in re.findall(rb"(?i)content-length: *(\d+)", head)]
        self.request = head + await reader.readexactly(length)
        lines = [f"HTTP/1.1 {self.status}", "location: /active", f"content-length: {len(self.body)}", "", ""]
        writer.write("\r\n".join(lines).encode())
        for byte in self.body if self.drip else ():
            writer.write(bytes([byte]))
            await asyncio.sleep(1)
        writer.write(b"" if self.drip else self.body)
        writer.close()


@pytest.fixture
async def endpoint():
    made = Endpoint()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/introspect"
    yield made
    server.close()


@pytest.fixture
async def client(endpoint, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("se:cret ü%\n")
    made = IntrospectionClient(Introspection(url=endpoint.url, client_id="a client:1", client_secret_file=secret))
    yield made
    await made.close()


async def test_active_true_lets_the_token_pass(client):
    assert await client.is_active("token", {}) is True


async def test_the_request_is_as_rfc_7662_and_the_credentials_are_form_encoded(client, endpoint):
    await client.is_active("a.token+with/signs", {})
    head, _, body = endpoint.request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /introspect ")
    assert b"application/x-www-form-urlencoded" in head
    assert parse_qs(body.decode()) == {"token": ["a.token+with/signs"], "token_type_hint": ["access_token"]}
    [credentials] = [
        line.split()[-1] for line in head.split(b"\r\n") if line.lower().startswith(b"authorization: basic")
    ]
    assert base64.b64decode(credentials) == b"a+client%3A1:se%3Acret+%C3%BC%25"  # RFC 6749 §2.3.1


@pytest.mark.parametrize(
    "body", [b'{"active": false}', b'{"active": "true"}', b'{"active": 1}', b"{}", b"[]", b"true", b'"active"', b"null"]
)
async def test_anything_but_active_true_refuses_the_token(client, endpoint, body):
    endpoint.body = body
    assert await client.is_active("token", {}) is False


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("401 Unauthorized", b'{"active": true}'),
        ("500 Internal Server Error", b'{"active": true}'),
        ("503 Service Unavailable", b""),
        ("302 Found", b'{"active": true}'),
        ("200 OK", b"<html>"),
        ("200 OK", b""),
        ("200 OK", b"\xff\xfe"),
    ],
)
async def test_an_answer_that_is_none_leaves_it_unknown(client, endpoint, status, body):
    endpoint.status, endpoint.body = status, body
    with pytest.raises(RevocationUnknown):
        await client.is_active("token", {})


async def test_an_answer_without_end_leaves_it_unknown_in_bounded_time(client, endpoint):
    endpoint.drip = True
    started = time.monotonic()
    with pytest.raises(RevocationUnknown):
        await client.is_active("token", {})
    assert time.monotonic() - started < 6


async def test_nobody_there_leaves_it_unknown(client):
    client._url = "http://127.0.0.1:9/introspect"
    with pytest.raises(RevocationUnknown):
        await client.is_active("token", {})


def test_a_missing_secret_ends_the_start(tmp_path):
    with pytest.raises(StartupError, match="secret file"):
        IntrospectionClient(Introspection(url="http://x", client_id="c", client_secret_file=tmp_path / "nothing"))

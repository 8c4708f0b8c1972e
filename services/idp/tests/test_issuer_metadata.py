"""The issuer's metadata, told again: fetched from a real HTTP server, kept while it is away."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tessera_idp.issuer_metadata import IssuerMetadata
from tessera_shared.errors import Unavailable

ISSUER = "https://issuer.example"


class Issuer:
    """A server that tells what a test says."""

    def __init__(self):
        self.status, self.body, self.fetches = 200, json.dumps({"issuer": ISSUER, "x": 1}), 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.fetches += 1
                self.send_response(issuer.status)
                self.end_headers()
                self.wfile.write(issuer.body.encode())

            def log_message(self, *_args):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        """Where it tells."""
        return f"http://127.0.0.1:{self.server.server_port}/"

    def stop(self):
        """Go away."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def issuer():
    running = Issuer()
    yield running
    running.stop()


@pytest.fixture
async def metadata(issuer):
    made = IssuerMetadata(issuer.url, ISSUER)
    yield made
    await made.close()


def let_it_be_due(metadata):
    metadata._due = datetime.fromtimestamp(0, UTC)


async def test_document_is_fetched_once_a_minute(issuer, metadata):
    assert await metadata.get() == {"issuer": ISSUER, "x": 1}
    issuer.body = json.dumps({"issuer": ISSUER, "x": 2})
    assert (await metadata.get())["x"] == 1
    assert issuer.fetches == 1
    let_it_be_due(metadata)
    assert (await metadata.get())["x"] == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, "{}"), (200, "no JSON"), (200, "[]"), (200, '{"issuer": "https://other.example"}'), (200, " " * 300_000)],
)
async def test_last_document_is_kept_while_the_issuer_tells_nothing_right(issuer, metadata, status, body):
    await metadata.get()
    issuer.status, issuer.body = status, body
    let_it_be_due(metadata)
    assert (await metadata.get())["x"] == 1
    assert issuer.fetches == 2


async def test_before_the_first_document_it_is_unavailable(issuer, metadata):
    issuer.status = 503
    with pytest.raises(Unavailable):
        await metadata.get()
    with pytest.raises(Unavailable):
        await metadata.get()
    assert issuer.fetches == 1  # not a fetch per request
    issuer.status = 200
    let_it_be_due(metadata)
    assert (await metadata.get())["x"] == 1

"""A collector of the tests' own: takes the traces of the whole run (OTLP over HTTP), to be searched at its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from stack.ports import free_port

PORT = free_port()
"""The services are told of this port before the collector runs."""
SERVICES = ("authz", "idp", "rs")


class Collector:
    """What the services sent, as bytes: texts stand in protobuf as they are."""

    def __init__(self) -> None:
        self.batches: list[bytes] = []


def settings(host: str) -> dict[str, dict[str, str]]:
    """The settings of each service that make it send its traces here."""
    return {
        service: {
            f"TESSERA_{service.upper()}_TRACING__OTLP_ENDPOINT": f"http://{host}:{PORT}",
            f"TESSERA_{service.upper()}_TRACING__BATCH_SECONDS": "1",
        }
        for service in SERVICES
    }


@contextmanager
def collector(*, outside: bool) -> Iterator[Collector]:
    """Run it: on the loopback interface, or for containers, which come from outside, on all."""
    collected = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collected.batches.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: pytest shows what matters."""

    server = ThreadingHTTPServer(("0.0.0.0" if outside else "127.0.0.1", PORT), Handler)  # noqa: S104
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collected
    finally:
        server.shutdown()
        server.server_close()

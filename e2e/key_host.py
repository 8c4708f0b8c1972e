"""A web server of the tests' own, where clients keep what their metadata points to: their keys, above all."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from stack.ports import free_port

PORT = free_port()
"""Clients are made with URLs of this port before the server runs."""


@dataclass(slots=True)
class Answer:
    """What a path is answered with."""

    content: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/jwk-set+json"})


class KeyHost:
    """What the server tells, and what it was asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []

    def tell_keys(self, path: str, *keys: Any, **headers: str) -> None:
        """Publish keys at a path."""
        document = {"keys": [key.as_dict(private=False) for key in keys]}
        told = {
            "content-type": "application/jwk-set+json",
            **{name.replace("_", "-"): headers[name] for name in headers},
        }
        self.answers[path] = Answer(json.dumps(document).encode(), headers=told)


@contextmanager
def key_host(*, outside: bool, port: int = PORT, tls: ssl.SSLContext | None = None) -> Iterator[KeyHost]:
    """Run it: on the loopback interface, or for containers, which come from outside, on all."""
    host = KeyHost()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append(self.path)
            answer = host.answers.get(self.path, Answer(b"", 404))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Say nothing: pytest shows what matters."""

    server = ThreadingHTTPServer(("0.0.0.0" if outside else "127.0.0.1", port), Handler)  # noqa: S104
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()

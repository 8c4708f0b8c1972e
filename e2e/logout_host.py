"""A web server of the tests' own that takes logout tokens, as the servers of clients do (Back-Channel Logout §2.5)."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from stack.ports import free_port

PORT = free_port()
"""The stack is told of it before the server runs."""
_WAIT_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Told:
    """A request that came: where to, its content type, the logout token in it, and when by the monotonic clock."""

    path: str
    content_type: str
    logout_token: str
    at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class LogoutHost:
    """What it was told, and how it answers: by path, one status after the other; the last one stays."""

    origin: str
    told: list[Told] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    released: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def new_uri(self, *statuses: int) -> str:
        """An address of its own for a client, and what it answers."""
        path = f"/logout/{next(self.numbers)}"
        self.answers[path] = list(statuses or (200,))
        return self.origin + path

    def at(self, uri: str) -> list[Told]:
        """What came to that address."""
        return [told for told in self.told if self.origin + told.path == uri]

    def wait_for(self, uri: str, count: int = 1) -> list[Told]:
        """The same, once so many have come."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.at(uri)) >= count, _WAIT_SECONDS), self.told
            return self.at(uri)

    def take(self, told: Told) -> int:
        """Note what came; the status to answer with."""
        with self.changed:
            self.told.append(told)
            self.changed.notify_all()
            statuses = self.answers.get(told.path, [404])
            return statuses.pop(0) if len(statuses) > 1 else statuses[0]


@contextmanager
def logout_host(name: str, *, outside: bool) -> Iterator[LogoutHost]:
    """Run it: on the loopback interface, or for containers, which come from outside, on all."""
    host = LogoutHost(f"http://{name}:{PORT}")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            status = host.take(Told(self.path, self.headers["content-type"], "".join(form.get("logout_token", ()))))
            if status == HELD:
                host.released.wait(_WAIT_SECONDS)
                status = 200
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("0.0.0.0" if outside else "127.0.0.1", PORT), Handler)  # noqa: S104
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


HELD = 0
"""Instead of a status: 200, once the test releases it."""

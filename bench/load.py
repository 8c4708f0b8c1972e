"""The load generator: HTTP/1.1 keep-alive over raw sockets, one request in flight on each connection (closed loop).

One thread and one epoll loop: it must cost far less than the servers it measures; `ceiling.py` measures how much.
"""

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["LoadError", "Measurement", "Script", "run"]

_TIMEOUT = 20.0
_HEADER_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class LoadError(Exception):
    """A server did not answer as the script needs; the figures would mean nothing."""


Script = Callable[[bytes | None], bytes]
"""The request that one connection sends next, given the body of its last answer (None before the first).

It keeps its own state between runs.
"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run: its wall-clock time in seconds, and the latency of each request in seconds, sorted."""

    seconds: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """The latency in seconds that so many percent of the requests did not exceed."""
        place = min(len(self.latencies) - 1, int(len(self.latencies) * percent / 100))
        return self.latencies[place]


@dataclass(slots=True)
class _Connection:
    peer: socket.socket
    script: Script
    sent_at: float = 0.0
    received: bytes = field(default=b"")


def run(address: tuple[str, int], scripts: Sequence[Script], seconds: float) -> Measurement:
    """Drive one connection per script for so many seconds, then wait for what is still in flight.

    Raises:
        LoadError: An answer other than 200, a closed connection, or no answer for too long.

    """
    selector = selectors.DefaultSelector()
    connections = [_Connection(_connect(address), script) for script in scripts]
    latencies: list[float] = []
    clock = time.perf_counter
    try:
        for connection in connections:
            selector.register(connection.peer, selectors.EVENT_READ, connection)
        started = clock()
        deadline = started + seconds
        for connection in connections:
            _send(connection, None, clock())
        in_flight = len(connections)
        while in_flight:
            ready = selector.select(_TIMEOUT)
            if not ready:
                raise LoadError(f"no answer from {address} for {_TIMEOUT:.0f} s")
            for key, _events in ready:
                answer = _receive(key.data)
                if answer is None:
                    continue
                now = clock()
                latencies.append(now - key.data.sent_at)
                if now < deadline:
                    _send(key.data, answer, now)
                else:
                    _finish(key.data, answer)
                    in_flight -= 1
        return Measurement(clock() - started, sorted(latencies))
    finally:
        selector.close()
        for connection in connections:
            connection.peer.close()


def _connect(address: tuple[str, int]) -> socket.socket:
    try:
        peer = socket.create_connection(address, timeout=_TIMEOUT)
    except OSError as error:
        raise LoadError(f"{address} takes no connection: {error}") from error
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def _send(connection: _Connection, answer: bytes | None, now: float) -> None:
    connection.sent_at = now
    connection.peer.sendall(connection.script(answer))


def _finish(connection: _Connection, answer: bytes) -> None:
    """Let the script see its last answer too: the refresh token in it is the next run's first."""
    connection.script(answer)


def _receive(connection: _Connection) -> bytes | None:
    """Read what came; the answer's body when it is whole."""
    part = connection.peer.recv(65536)
    if not part:
        raise LoadError(f"the server closed a connection after {connection.received[:200]!r}")
    received = connection.received + part if connection.received else part
    head, separator, body = received.partition(_HEADER_END)
    if not separator or len(body) < _content_length(head):
        connection.received = received
        return None
    connection.received = b""
    if head[9:12] != b"200":
        raise LoadError(f"not 200: {head.splitlines()[0]!r} {body[:300]!r}")
    return body


def _content_length(head: bytes) -> int:
    """The body's length (RFC 9112 §6.2); both servers say it in advance, so nothing else is understood."""
    lowered = head.lower()
    place = lowered.find(_LENGTH)
    if place < 0:
        raise LoadError(f"an answer without Content-Length: {head[:200]!r}")
    end = lowered.find(b"\r\n", place)
    return int(lowered[place + len(_LENGTH) : end if end > 0 else None])

"""The exchange around every request: its id, its bound, its errors, its log line and the headers of every answer."""

import re
import secrets
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from http import HTTPStatus

from opentelemetry.trace import Span
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tessera_shared import logging
from tessera_shared.errors import OAuthError
from tessera_shared.http.client_certificate import presented_certificate, without_certificate_fields
from tessera_shared.http.errors import to_response
from tessera_shared.http.form import MAX_BODY, body_too_large
from tessera_shared.http.headers import Network, client_address
from tessera_shared.http.request_body import RequestBody
from tessera_shared.metrics import UNMATCHED, Metrics
from tessera_shared.tracing import OFF, Traces, describe_answer

_MAX_DIGITS = 12
"""Of an announced length: enough to see that it is too large, and little enough to be read as a number."""
_CLIENT_WENT_AWAY = 499
"""In the log: no answer could be sent. Not a status of HTTP; other servers write the same."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class Exchange:
    """The outermost ASGI layer."""

    def __init__(
        self,
        app: ASGIApp,
        trusted_proxies: Sequence[Network],
        certificate_proxies: Sequence[Network] = (),
        metrics: Metrics | None = None,
        traces: Traces = OFF,
    ) -> None:
        self._app = app
        self._trusted = trusted_proxies
        self._certificate_proxies = certificate_proxies
        self._metrics = metrics
        self._traces = traces
        self._date = (0, b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's lifespan messages."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            headers = dict(scope["headers"])
            with self._traces.serving(scope["method"], headers) as span:
                await self._serve(scope, receive, send, headers, span)
        else:  # a WebSocket: nothing here speaks it
            await send({"type": "websocket.close", "code": 1002})

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes], span: Span | None
    ) -> None:
        started = time.perf_counter()
        request_id = _request_id(headers)
        address = client_address(scope, self._trusted)
        scope["app"] = self  # Starlette's routes then raise 404 and 405 instead of answering in plain text
        more: dict[str, str] = {}
        scope["state"] = {"request_id": request_id, "client_address": address, "answer_headers": more}
        logging.begin_request(request_id)
        status = 0
        announced = headers.get(b"content-length", b"0")[:_MAX_DIGITS]
        is_too_large = announced.isdigit() and int(announced) > MAX_BODY
        body = RequestBody(receive)

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *self._headers(request_id), *_encode(more)]
                if _has_body(headers) and not _closes(message) and (is_too_large or not await body.drain()):
                    message["headers"] += _close(scope)
            await send(message)

        try:
            if is_too_large:
                raise body_too_large(int(announced))
            scope["state"]["client_certificate"] = presented_certificate(scope, self._certificate_proxies)
            await self._app(without_certificate_fields(scope), body.receive, send_with_headers)
        except ClientDisconnect:  # there is nobody to answer, and nothing broke here
            status = status or _CLIENT_WENT_AWAY
        except Exception as error:  # noqa: BLE001 - the boundary: everything becomes an answer and a log line
            response = to_response(error)
            if isinstance(error, OAuthError):
                scope["state"]["refused"] = error
            if status == 0:
                await response(scope, body.receive, send_with_headers)
        self._count(scope, status, started)
        describe_answer(span, scope["method"], scope["state"].get("route", UNMATCHED), status, request_id)
        _log_level(scope["path"], status)(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            ms=round((time.perf_counter() - started) * 1000, 2),
            address=address,
        )

    def _count(self, scope: Scope, status: int, started: float) -> None:
        if self._metrics is None:
            return
        state = scope["state"]
        self._metrics.observe_request(state.get("route", UNMATCHED), scope["method"], status, started)
        if (refused := state.get("refused")) is not None:
            self._metrics.count_refusal(refused)

    def _headers(self, request_id: str) -> list[tuple[bytes, bytes]]:
        """What every answer carries; no endpoint sets any of these."""
        return [
            (b"x-request-id", request_id.encode("ascii")),
            (b"x-content-type-options", b"nosniff"),
            (b"date", self._http_date()),
        ]

    def _http_date(self) -> bytes:
        """The Date header (RFC 9110 §6.6.1), written once a second."""
        second = int(time.time())
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True).encode("ascii"))
        return self._date[1]


def _has_body(headers: dict[bytes, bytes]) -> bool:
    """Whether something follows the head of the request (RFC 9112 §6)."""
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def _closes(start: Message) -> bool:
    """Whether the answer says already that nothing follows it on this connection."""
    return any(name.lower() == b"connection" for name, _value in start["headers"])


def _close(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Says so; HTTP/2 has no such header (RFC 9113 §8.2.2): there a stream ends alone."""
    return [(b"connection", b"close")] if str(scope["http_version"]).startswith("1") else []


def _encode(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """What an endpoint wants in the answer whatever it will be, an error too."""
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


def _log_level(path: str, status: int) -> Callable[..., object]:
    """Probes that find all well come every second and are not worth a line."""
    return logging.get().debug if path == "/health" and status == HTTPStatus.OK else logging.get().info


def _request_id(headers: dict[bytes, bytes]) -> str:
    """The caller's X-Request-Id where it is well-formed, else a new one."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return

"""Traces by OpenTelemetry (W3C Trace Context), off unless the configuration names where they go.

A span says which route, which statement and which host, never a query string, a parameter, a header or a body: codes,
tokens and secrets travel in those.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from tessera_shared.config import Tracing

_NOTHING: AbstractContextManager[None] = nullcontext()


class Traces:
    """The spans of one service; without a provider there are none, at no cost."""

    def __init__(self, provider: TracerProvider | None) -> None:
        self._tracer = None if provider is None else provider.get_tracer("tessera")

    def serving(self, method: str, headers: Mapping[bytes, bytes]) -> AbstractContextManager[Span | None]:
        """The span of a request that came in, a part of the caller's trace if it names one (`traceparent`)."""
        if self._tracer is None:
            return _NOTHING
        parent = extract({"traceparent": headers.get(b"traceparent", b"").decode("latin-1")})
        named = {"http.request.method": method}
        return self._tracer.start_as_current_span(method, parent, SpanKind.SERVER, named, record_exception=False)

    def statement(self, sql: str) -> AbstractContextManager[Span | None]:
        """The span of a database statement: its text, which holds placeholders and no values."""
        if self._tracer is None:
            return _NOTHING
        return self._calling("postgresql", {"db.system.name": "postgresql", "db.query.text": " ".join(sql.split())})

    def fetching(self, method: str, host: str) -> AbstractContextManager[Span | None]:
        """The span of a request to another server: its host alone."""
        return self._calling(method, {"http.request.method": method, "server.address": host})

    def _calling(self, name: str, attributes: Mapping[str, str]) -> AbstractContextManager[Span | None]:
        if self._tracer is None:
            return _NOTHING
        return self._tracer.start_as_current_span(
            name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
        )


OFF = Traces(None)
"""No traces."""


def open_traces(config: Tracing | None, service: str) -> Traces:
    """The traces of a service; the SDK is loaded only where they are wanted."""
    if config is None:
        return OFF
    from tessera_shared.trace_export import open_provider  # noqa: PLC0415 - it costs memory and start-up time

    return Traces(open_provider(config, service))


def describe_answer(span: Span | None, method: str, route: str, status: int, request_id: str) -> None:
    """What is known of a request once it was served."""
    if span is None:
        return
    span.update_name(f"{method} {route}")
    span.set_attributes({"http.route": route, "http.response.status_code": status, "tessera.request_id": request_id})
    if status >= 500:  # noqa: PLR2004 - what the server broke is an error, what it refused is none
        span.set_status(Status(StatusCode.ERROR))

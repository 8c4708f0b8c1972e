"""Traces: which route, statement and host, and nothing of what travelled in them."""

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from starlette.responses import PlainTextResponse
from starlette.routing import Router

from tessera_shared.http.exchange import Exchange
from tessera_shared.http.openapi import Endpoint, Operation, routes
from tessera_shared.tracing import OFF, Traces, open_traces

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans():
    return InMemorySpanExporter()


@pytest.fixture
def traces(spans):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return Traces(provider)


def _app(traces):
    async def ok(_request):
        with traces.statement("SELECT 1\n  FROM authz.grants WHERE id = $1"), traces.fetching("GET", "client.example"):
            return PlainTextResponse("ok")

    async def broken(_request):
        raise RuntimeError("a code in a traceback")

    declared = [
        Endpoint("/clients/{client_id}", (Operation("GET", "Ok", ok),)),
        Endpoint("/broken", (Operation("GET", "Broken", broken),)),
    ]
    return Exchange(Router(routes(declared)), (), traces=traces)


async def _get(traces, path, **headers):
    transport = httpx.ASGITransport(_app(traces), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        return await http.get(path, headers=headers)


async def test_request_continues_the_callers_trace_and_holds_its_calls(traces, spans):
    answer = await _get(traces, "/clients/alpha?code=the-code", traceparent=PARENT)
    fetching, statement, serving = spans.get_finished_spans()
    assert serving.name == "GET /clients/{client_id}"
    assert serving.kind is SpanKind.SERVER
    assert f"{serving.context.trace_id:032x}" == PARENT.split("-")[1]
    assert dict(serving.attributes) == {
        "http.request.method": "GET",
        "http.route": "/clients/{client_id}",
        "http.response.status_code": 200,
        "tessera.request_id": answer.headers["x-request-id"],
    }
    assert statement.parent.span_id == serving.context.span_id
    assert statement.attributes["db.query.text"] == "SELECT 1 FROM authz.grants WHERE id = $1"
    assert fetching.attributes["server.address"] == "client.example"


async def test_nothing_that_travelled_is_in_a_span(traces, spans):
    await _get(traces, "/clients/alpha?code=the-code", authorization="Bearer the-token", cookie="session=the-cookie")
    told = " ".join(span.to_json() for span in spans.get_finished_spans())
    assert not any(secret in told for secret in ("alpha", "the-code", "the-token", "the-cookie"))


async def test_what_broke_is_an_error_without_its_text(traces, spans):
    await _get(traces, "/broken")
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "a code in a traceback" not in span.to_json()


def test_without_a_setting_there_are_no_spans():
    assert open_traces(None, "authz") is OFF
    with OFF.statement("SELECT 1") as span:
        assert span is None

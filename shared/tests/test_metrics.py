"""Metrics: what is counted is told, under labels of closed sets."""

import httpx
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router

from tessera_shared.errors import OAuthError
from tessera_shared.http.exchange import Exchange
from tessera_shared.http.openapi import Endpoint, Operation, routes
from tessera_shared.metrics import Metrics


async def ok(_request):
    return PlainTextResponse("ok")


async def refused(_request):
    raise OAuthError("invalid_grant", "Told.", section="RFC 6749 §5.2")


def _exchange(metrics):
    declared = [
        Endpoint("/clients/{client_id}", (Operation("GET", "A client", ok),)),
        Endpoint("/refused", (Operation("GET", "Refused", refused),)),
    ]
    return Exchange(Router([*routes(declared), Route("/plain", ok)]), (), metrics=metrics)


async def _get(metrics, *paths):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(_exchange(metrics)), base_url="http://service") as http:
        for path in paths:
            await http.get(path)
    return metrics.text().decode()


async def test_requests_are_told_by_route_and_not_by_path():
    told = await _get(Metrics(), "/clients/alpha", "/clients/beta", "/not-there")
    name = "tessera_http_request_duration_seconds_count"
    assert name + '{method="GET",route="/clients/{client_id}",status="200"} 2.0' in told
    assert name + '{method="GET",route="unmatched",status="404"} 1.0' in told
    assert "alpha" not in told


async def test_refusals_are_told_by_code_and_section():
    told = await _get(Metrics(), "/refused", "/refused")
    assert 'tessera_refusals_total{error="invalid_grant",section="RFC 6749 §5.2"} 2.0' in told


def test_gauges_are_read_when_they_are_asked_for():
    metrics, values = Metrics(), [1.0]
    metrics.value("level", "A level.", lambda: values[-1])
    metrics.gauge("state", "A state.", lambda: [({"name": "a"}, 1), ({"name": "b"}, 2)])
    assert "tessera_level 1.0" in metrics.text().decode()
    values.append(7.0)
    told = metrics.text().decode()
    assert "tessera_level 7.0" in told
    assert 'tessera_state{name="b"} 2.0' in told

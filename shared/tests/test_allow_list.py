"""Endpoints that are served to some networks only."""

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Router

from tessera_shared.http.allow_list import only_from
from tessera_shared.http.exchange import Exchange
from tessera_shared.http.headers import parse_networks
from tessera_shared.http.openapi import Endpoint, Operation, Reply, routes


async def ok(_request):
    return PlainTextResponse("ok")


ENDPOINT = Endpoint("/here", (Operation("GET", "Something", ok, replies=(Reply(200, "It"),)),), aliases=("/there",))


async def status(networks, client, path="/here", **headers):
    app = Exchange(Router(routes(only_from(networks, [ENDPOINT]))), parse_networks(["198.51.100.0/24"]))
    transport = httpx.ASGITransport(app, client=(client, 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as browser:
        return (await browser.get(path)).status_code


@pytest.mark.parametrize("client", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1"])
async def test_allowed_networks_are_served(client):
    assert await status(["192.0.2.0/24", "2001:db8::/32"], client) == 200


@pytest.mark.parametrize("client", ["192.0.3.7", "2001:db9::1", "testclient"])
@pytest.mark.parametrize("path", ["/here", "/there"])
async def test_others_are_refused_at_every_path(client, path):
    assert await status(["192.0.2.0/24", "2001:db8::/32"], client, path) == 403


async def test_where_no_network_is_named_all_are_served():
    assert await status([], "203.0.113.1") == 200


async def test_a_header_is_believed_from_a_trusted_proxy_only():
    said = {"x-forwarded-for": "192.0.2.7"}
    assert await status(["192.0.2.0/24"], "203.0.113.1", **said) == 403
    assert await status(["192.0.2.0/24"], "198.51.100.9", **said) == 200


def test_the_refusal_is_declared():
    (endpoint,) = only_from(["192.0.2.0/24"], [ENDPOINT])
    assert [reply.status for reply in endpoint.operations[0].replies] == [200, 403]

"""npm express-oauth2-jwt-bearer: a resource server that nobody here wrote accepts Tessera's access tokens."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from e2e.browser import Browser
from e2e.clients import SERVICE
from e2e.conftest import PartyOf
from e2e.interop.node import Node
from e2e.relying_party import RelyingParty, bearer
from e2e.stack import OTHER_RESOURCE, Stack


@pytest.fixture
def resource(node: Node) -> Iterator[str]:
    """A resource whose identifier is `OTHER_RESOURCE`."""
    with node.serve("resource_server", audience=OTHER_RESOURCE) as url:
        yield url


def challenge(response: httpx.Response) -> str:
    """Why it refused."""
    assert response.status_code in (401, 403), response.text
    return response.headers["www-authenticate"]


def test_users_token_for_the_resource_is_accepted(
    resource: str, demo: RelyingParty, alice: Browser, http: httpx.Client, stack: Stack
) -> None:
    token = demo.get_tokens(alice, resource=OTHER_RESOURCE)["access_token"]
    accepted: dict[str, Any] = http.get(f"{resource}/email", headers=bearer(token)).json()
    assert (accepted["iss"], accepted["aud"], accepted["client_id"]) == (stack.issuer, OTHER_RESOURCE, "demo-client")


def test_clients_token_for_the_resource_is_accepted(resource: str, party_of: PartyOf, http: httpx.Client) -> None:
    token = party_of(SERVICE).token("client_credentials", resource=OTHER_RESOURCE).json()["access_token"]
    assert http.get(resource, headers=bearer(token)).json()["sub"] == f"client:{SERVICE.client_id}"


def test_token_without_the_scope_is_refused(resource: str, party_of: PartyOf, http: httpx.Client) -> None:
    token = party_of(SERVICE).token("client_credentials", resource=OTHER_RESOURCE).json()["access_token"]
    assert "insufficient_scope" in challenge(http.get(f"{resource}/email", headers=bearer(token)))


def test_token_for_another_resource_is_refused(
    resource: str, party_of: PartyOf, http: httpx.Client, stack: Stack
) -> None:
    for audience in (stack.rs, None):
        token = party_of(SERVICE).token("client_credentials", resource=audience).json()["access_token"]
        assert "invalid_token" in challenge(http.get(resource, headers=bearer(token)))


def test_id_token_is_no_access_token(resource: str, demo: RelyingParty, alice: Browser, http: httpx.Client) -> None:
    id_token = demo.get_tokens(alice)["id_token"]
    assert "invalid_token" in challenge(http.get(resource, headers=bearer(id_token)))

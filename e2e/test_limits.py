"""Limits and allowed networks of authz, set low for a replica of the test's own."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from uuid import uuid4

import httpx
import pytest

from e2e.embedded import Embedded
from e2e.relying_party import RelyingParty, basic

ONE = json.dumps({"tries": 1, "minutes": 60})
THREE = json.dumps({"tries": 3, "minutes": 60})
SETTINGS = {
    "TESSERA_AUTHZ_LIMITS__AUTHORIZATION_REQUESTS_PER_ADDRESS": THREE,
    "TESSERA_AUTHZ_LIMITS__WRONG_CREDENTIALS_PER_CLIENT_AND_ADDRESS": ONE,
    "TESSERA_AUTHZ_ALLOWED_NETWORKS__REGISTRATION": '["203.0.113.0/24"]',
    "TESSERA_AUTHZ_ALLOWED_NETWORKS__INTROSPECTION": '["203.0.113.0/24"]',
}
Http = Callable[[str], httpx.Client]


@pytest.fixture(scope="module")
def replica(request: pytest.FixtureRequest) -> Iterator[str]:
    """An authz with these settings; embedded, where a test can come from any address."""
    request.getfixturevalue("stack")
    embedded: Embedded = request.getfixturevalue("embedded")
    running: AbstractContextManager[str] = embedded.authz_replica(SETTINGS)
    with running as url:
        yield url


@pytest.fixture
def http_from(new_http: Callable[[], httpx.Client]) -> Http:
    """Makes clients at an address."""

    def make(address: str) -> httpx.Client:
        http = new_http()
        http.headers["x-forwarded-for"] = address
        return http

    return make


def new_address() -> str:
    """One that no other test uses."""
    digits = uuid4().hex
    return f"2001:db8:{digits[:4]}:{digits[4:8]}::1"


def test_authorization_requests_of_one_address_are_limited_on_a_page(
    replica: str, demo: RelyingParty, http_from: Http
) -> None:
    http = http_from(new_address())
    url, parameters = f"{replica}/oauth2/v1/authorize", demo.authorization_request()
    assert [http.get(url, params=parameters).status_code for _ in range(3)] == [303] * 3
    refused = http.get(url, params=parameters)
    assert (refused.status_code, refused.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert int(refused.headers["retry-after"]) > 0
    assert http_from(new_address()).get(url, params=parameters).status_code == 303


def test_wrong_secrets_from_one_address_do_not_keep_the_client_out_elsewhere(
    replica: str, demo: RelyingParty, http_from: Http
) -> None:
    attacker, own = http_from(new_address()), http_from(new_address())
    form, url = {"grant_type": "client_credentials"}, f"{replica}/oauth2/v1/token"
    wrong = basic(demo.client.client_id, "wrong")
    statuses = [attacker.post(url, data=form, headers=wrong).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
    refused = attacker.post(url, data=form, headers=demo.header_credentials())
    assert (refused.status_code, refused.json()["error"]) == (429, "too_many_requests")
    assert int(refused.headers["retry-after"]) > 0
    assert own.post(url, data=form, headers=demo.header_credentials()).status_code == 200


def test_registration_and_introspection_are_served_to_allowed_networks_only(
    replica: str, demo: RelyingParty, http_from: Http
) -> None:
    metadata = {"redirect_uris": ["https://client.example/callback"]}
    for address, status in (("203.0.113.9", (201, 200)), ("198.51.100.9", (403, 403))):
        http = http_from(address)
        registered = http.post(f"{replica}/oauth2/v1/register", json=metadata)
        asked = http.post(f"{replica}/oauth2/v1/introspect", data={"token": "x"}, headers=demo.header_credentials())
        assert (registered.status_code, asked.status_code) == status
        for refused in (registered, asked):
            assert refused.status_code < 400 or refused.json()["error"] == "access_denied"

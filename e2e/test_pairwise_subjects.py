"""Pairwise subjects (OpenID Connect Core §8): one user, another name in each sector, the same in every token."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from e2e import key_host as hosts
from e2e.browser import Browser
from e2e.clients import CALLBACK, Client
from e2e.key_host import Answer, KeyHost
from e2e.relying_party import RelyingParty, error_of
from e2e.stack import Stack

METADATA = {
    "client_name": "Pairwise",
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "openid profile",
    "subject_type": "pairwise",
}
ELSEWHERE = "http://127.0.0.1:3000/callback"
Register = Callable[..., RelyingParty]


@pytest.fixture
def register(stack: Stack, http: httpx.Client) -> Register:
    """Registers a client and speaks for it."""

    def post(**changes: Any) -> RelyingParty:
        response = http.post(f"{stack.authz}/oauth2/v1/register", json={**METADATA, **changes})
        assert response.status_code == 201, response.text
        made = response.json()
        client = Client(
            made["client_id"], made["client_secret"], redirect_uri=made["redirect_uris"][0], scope=made["scope"]
        )
        return RelyingParty(stack, http, client)

    return post


def sub_of(party: RelyingParty, tokens: dict[str, Any]) -> str:
    """The user's identifier, which every token and answer tells alike."""
    refreshed = party.refresh(tokens["refresh_token"]).json()
    told = {
        str(party.verify(tokens["id_token"], "RS256")[1]["sub"]),
        str(party.verify(tokens["access_token"], "ES256")[1]["sub"]),
        str(party.introspect(tokens["access_token"]).json()["sub"]),
        str(party.userinfo(tokens["access_token"]).json()["sub"]),
        str(party.introspect(refreshed["refresh_token"]).json()["sub"]),
        str(party.verify(refreshed["id_token"], "RS256")[1]["sub"]),
    }
    assert len(told) == 1, told
    return told.pop()


def test_a_user_has_another_identifier_in_each_sector_and_the_same_in_every_token(
    register: Register, browser: Browser
) -> None:
    parties = {
        "public": register(subject_type="public"),
        "pairwise": register(),
        "the same sector": register(),
        "another sector": register(redirect_uris=[ELSEWHERE]),
    }
    subs = {name: sub_of(party, party.get_tokens(browser)) for name, party in parties.items()}
    assert subs["pairwise"] == subs["the same sector"]
    assert len(set(subs.values())) == 3


def test_clients_of_several_hosts_share_a_sector_by_its_uri(
    stack: Stack, register: Register, browser: Browser, key_host: KeyHost
) -> None:
    key_host.answers["/pairwise-sector"] = Answer(json.dumps([CALLBACK, ELSEWHERE]).encode())
    host = "host.docker.internal" if stack.kind == "compose" else "localhost"
    sector = {"sector_identifier_uri": f"http://{host}:{hosts.PORT}/pairwise-sector"}
    one, other = register(**sector), register(**sector, redirect_uris=[ELSEWHERE, CALLBACK])
    assert sub_of(one, one.get_tokens(browser)) == sub_of(other, other.get_tokens(browser))


def test_an_id_token_hint_names_the_user_by_the_pairwise_identifier(register: Register, browser: Browser) -> None:
    party, other = register(), register(subject_type="public")
    hint = party.get_tokens(browser)["id_token"]
    other.get_tokens(browser)
    assert "code" in party.get_answer(browser, prompt="none", id_token_hint=hint)
    foreign = other.get_answer(browser, prompt="none", id_token_hint=hint)
    assert foreign["error"] == "login_required"


def test_claims_parameter_names_the_user_by_the_pairwise_identifier(register: Register, browser: Browser) -> None:
    party = register()
    told = party.verify(party.get_tokens(browser)["id_token"], "RS256")[1]["sub"]
    public = register(subject_type="public")
    known = public.verify(public.get_tokens(browser)["id_token"], "RS256")[1]["sub"]
    for sub, answered in ((told, "code"), (known, "error")):
        claims = json.dumps({"id_token": {"sub": {"value": sub}}})
        assert answered in party.get_answer(browser, prompt="none", claims=claims)


def test_the_resource_server_sees_the_pairwise_identifier_only(register: Register, browser: Browser) -> None:
    party = register()
    tokens = party.get_tokens(browser)
    assert party.resource(tokens["access_token"]).status_code == 200
    assert party.resource(tokens["access_token"]).json()["sub"] == party.verify(tokens["id_token"], "RS256")[1]["sub"]


def test_redirect_uris_of_several_hosts_need_a_sector_identifier_uri(stack: Stack, http: httpx.Client) -> None:
    sent = {**METADATA, "redirect_uris": [CALLBACK, "https://other.example/cb"]}
    response = http.post(f"{stack.authz}/oauth2/v1/register", json=sent)
    assert (response.status_code, error_of(response)) == (400, "invalid_client_metadata")

"""Token introspection (RFC 7662)."""

import time

import httpx
import pytest

from e2e.browser import Browser
from e2e.clients import EVERY_SCOPE, PUBLIC, SERVICE
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty, basic, error_of, unverified
from e2e.stack import Control, Stack


def test_active_access_token_is_described(stack: Stack, demo: RelyingParty, alice: Browser) -> None:
    token = demo.get_tokens(alice)["access_token"]
    response = demo.introspect(token)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    claims = demo.verify(token, "ES256")[1]
    told = {name: claims[name] for name in ("iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti")}
    answer = response.json()
    assert answer == {"active": True, "token_type": "Bearer", **told, **{n: claims[n] for n in ("auth_time", "acr")}}
    assert answer["iss"] == stack.issuer


def test_token_of_a_client_itself_is_described(party_of: PartyOf) -> None:
    party = party_of(SERVICE)
    answer = party.introspect(party.token("client_credentials").json()["access_token"]).json()
    assert (answer["active"], answer["sub"]) == (True, "client:e2e-service")


def test_resource_server_may_ask_about_tokens_of_other_clients(
    demo: RelyingParty, party_of: PartyOf, alice: Browser
) -> None:
    token = demo.get_tokens(alice)["access_token"]
    assert party_of(SERVICE).introspect(token).json()["client_id"] == "demo-client"


def test_active_refresh_token_is_described_to_its_client_alone(
    demo: RelyingParty, party_of: PartyOf, alice: Browser
) -> None:
    token = demo.get_tokens(alice)["refresh_token"]
    answer = demo.introspect(token).json()
    assert (answer["active"], answer["client_id"], answer["scope"]) == (True, "demo-client", "openid profile email")
    assert answer["exp"] > answer["iat"]
    assert party_of(EVERY_SCOPE).introspect(token).json() == {"active": False}


def test_used_refresh_token_is_inactive(demo: RelyingParty, alice: Browser) -> None:
    token = demo.get_tokens(alice)["refresh_token"]
    demo.refresh(token)
    assert demo.introspect(token).json() == {"active": False}


def test_unknown_and_malformed_tokens_are_inactive(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    head, payload, signature = tokens["access_token"].split(".")
    changed = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0"
    for token in (
        "unknown",
        "a.b.c",
        "..",
        "ä€😀",
        "x" * 8000,
        f"{head}.{payload}.{changed}",
        f"{head}.{payload}.",
        f"{unsigned}.{payload}.",
        f"{unsigned}.{payload}.{signature}",
        tokens["id_token"],
        tokens["access_token"] + "A",
        " " + tokens["access_token"],
    ):
        response = demo.introspect(token)
        assert (response.status_code, response.json()) == (200, {"active": False}), token


def test_expired_token_is_inactive(control: Control, demo: RelyingParty) -> None:
    with control.authz_replica({"TESSERA_AUTHZ_LIFETIMES__ACCESS_TOKEN_SECONDS": "3"}) as replica:
        form = {"grant_type": "client_credentials"}
        token = demo.post("/oauth2/v1/token", base=replica, **form).json()["access_token"]
        assert demo.is_active(token)
        while time.time() <= unverified_exp(token):
            time.sleep(0.05)
        assert demo.introspect(token).json() == {"active": False}


def unverified_exp(token: str) -> float:
    """When it expires."""
    return float(httpx.Response(200, content=unverified(token)[1]).json()["exp"])


@pytest.mark.parametrize(
    "credentials", [{}, basic("demo-client", "wrong"), basic("nobody", "x"), {"authorization": "Bearer x"}]
)
def test_client_authentication_is_required(stack: Stack, http: httpx.Client, credentials: dict[str, str]) -> None:
    response = http.post(f"{stack.authz}/oauth2/v1/introspect", data={"token": "x"}, headers=credentials)
    assert (response.status_code, error_of(response)) == (401, "invalid_client")


def test_name_of_a_public_client_is_not_enough(party_of: PartyOf) -> None:
    response = party_of(PUBLIC).introspect("x")
    assert (response.status_code, error_of(response)) == (401, "invalid_client")


def test_missing_token_is_invalid_request(demo: RelyingParty) -> None:
    assert error_of(demo.post("/oauth2/v1/introspect")) == "invalid_request"
    assert error_of(demo.post("/oauth2/v1/introspect", token="")) == "invalid_request"


def test_wrong_hint_changes_nothing(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    for token, hint in ((tokens["access_token"], "refresh_token"), (tokens["refresh_token"], "access_token")):
        assert demo.post("/oauth2/v1/introspect", token=token, token_type_hint=hint).json()["active"] is True


def test_short_alias_serves_the_same(demo: RelyingParty) -> None:
    assert demo.post("/oauth/introspect", token="x").json() == {"active": False}

"""Token revocation (RFC 7009): what was revoked is refused at once, wherever it is shown."""

import httpx
import pytest

from e2e.browser import Browser
from e2e.clients import EVERY_SCOPE, PUBLIC
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty, basic, error_of
from e2e.stack import Stack


def test_revoked_access_token_is_refused_everywhere_at_once(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    assert demo.resource(tokens["access_token"]).status_code == 200
    assert demo.userinfo(tokens["access_token"]).status_code == 200
    response = demo.revoke(tokens["access_token"])
    assert (response.status_code, response.content) == (200, b"")
    assert demo.resource(tokens["access_token"]).status_code == 401
    assert demo.userinfo(tokens["access_token"]).status_code == 401
    assert demo.introspect(tokens["access_token"]).json() == {"active": False}


def test_revoked_access_token_leaves_its_refresh_token(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    demo.revoke(tokens["access_token"])
    assert demo.refresh(tokens["refresh_token"]).status_code == 200


def test_resource_server_refuses_at_once_again_and_again(demo: RelyingParty) -> None:
    accepted = 0
    for _ in range(40):
        token = demo.token("client_credentials").json()["access_token"]
        demo.revoke(token)
        accepted += demo.resource(token).status_code != 401
    assert accepted == 0


def test_revoked_refresh_token_takes_its_grants_access_tokens_with_it(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    refreshed = demo.refresh(tokens["refresh_token"]).json()
    assert demo.revoke(refreshed["refresh_token"]).status_code == 200
    for token in (tokens["access_token"], refreshed["access_token"]):
        assert demo.resource(token).status_code == 401
        assert demo.introspect(token).json() == {"active": False}
    assert error_of(demo.refresh(refreshed["refresh_token"])) == "invalid_grant"


def test_revoking_a_rotated_refresh_token_ends_the_family(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    refreshed = demo.refresh(tokens["refresh_token"]).json()
    assert demo.revoke(tokens["refresh_token"]).status_code == 200
    assert error_of(demo.refresh(refreshed["refresh_token"])) == "invalid_grant"
    assert demo.introspect(refreshed["access_token"]).json() == {"active": False}


def test_other_grants_of_the_same_user_and_client_live_on(demo: RelyingParty, alice: Browser) -> None:
    revoked, kept = demo.get_tokens(alice), demo.get_tokens(alice)
    demo.revoke(revoked["refresh_token"])
    assert demo.resource(kept["access_token"]).status_code == 200
    assert demo.refresh(kept["refresh_token"]).status_code == 200


@pytest.mark.parametrize("token", ["unknown", "a.b.c", "ä", "x" * 8000])
def test_unknown_token_gets_200(demo: RelyingParty, token: str) -> None:
    assert demo.revoke(token).status_code == 200


def test_token_revoked_twice_gets_200_twice(demo: RelyingParty) -> None:
    token = demo.token("client_credentials").json()["access_token"]
    assert [demo.revoke(token).status_code for _ in range(2)] == [200, 200]


def test_wrong_hint_changes_nothing(demo: RelyingParty) -> None:
    token = demo.token("client_credentials").json()["access_token"]
    assert demo.revoke(token, token_type_hint="refresh_token").status_code == 200
    assert demo.introspect(token).json() == {"active": False}


def test_another_clients_token_is_refused_and_lives_on(demo: RelyingParty, party_of: PartyOf, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        response = party_of(EVERY_SCOPE).revoke(token)
        assert (response.status_code, error_of(response)) == (400, "invalid_grant")
    assert demo.resource(tokens["access_token"]).status_code == 200
    assert demo.refresh(tokens["refresh_token"]).status_code == 200


def test_public_client_revokes_its_own_tokens(party_of: PartyOf, demo: RelyingParty, alice: Browser) -> None:
    party = party_of(PUBLIC)
    tokens = party.get_tokens(alice)
    assert party.revoke(tokens["refresh_token"]).status_code == 200
    assert demo.introspect(tokens["access_token"]).json() == {"active": False}


@pytest.mark.parametrize("credentials", [{}, basic("demo-client", "wrong"), basic("nobody", "x")])
def test_client_authentication_is_required(stack: Stack, http: httpx.Client, credentials: dict[str, str]) -> None:
    response = http.post(f"{stack.authz}/oauth2/v1/revoke", data={"token": "x"}, headers=credentials)
    assert (response.status_code, error_of(response)) == (401, "invalid_client")


def test_missing_token_is_invalid_request(demo: RelyingParty) -> None:
    assert error_of(demo.post("/oauth2/v1/revoke")) == "invalid_request"


def test_short_alias_serves_the_same(demo: RelyingParty) -> None:
    token = demo.token("client_credentials").json()["access_token"]
    assert demo.post("/oauth/revoke", token=token).status_code == 200
    assert demo.introspect(token).json() == {"active": False}

"""Refresh tokens (RFC 6749 §6, RFC 9700 §4.14): rotation, narrowing, retries and reuse."""

import time

import pytest

from e2e.browser import Browser
from e2e.clients import EVERY_SCOPE, PUBLIC, STEADY
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty, error_of
from e2e.stack import OTHER_RESOURCE, Control, Stack


def test_refresh_gives_a_later_access_token_and_another_refresh_token(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    time.sleep(1)
    response = demo.refresh(tokens["refresh_token"])
    assert response.status_code == 200
    assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")
    refreshed = response.json()
    assert set(refreshed) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert refreshed["refresh_token"] != tokens["refresh_token"]
    old = demo.verify(tokens["access_token"], "ES256")[1]
    new = demo.verify(refreshed["access_token"], "ES256")[1]
    assert new["exp"] > old["exp"]
    assert new["jti"] != old["jti"]
    for name in ("iss", "sub", "aud", "client_id", "scope", "auth_time", "acr"):
        assert new[name] == old[name]
    assert demo.resource(tokens["access_token"]).status_code == 200  # the older one lasts until it expires


def test_refreshed_id_token_keeps_who_logged_in_and_when_and_has_no_nonce(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice, nonce="once")
    refreshed = demo.refresh(tokens["refresh_token"]).json()
    old = demo.verify(tokens["id_token"], "RS256")[1]
    new = demo.verify(refreshed["id_token"], "RS256")[1]
    for name in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid"):
        assert new[name] == old[name]
    assert "nonce" not in new
    assert new["at_hash"] != old["at_hash"]


def test_refresh_token_is_opaque_and_has_at_least_128_random_bits(demo: RelyingParty, alice: Browser) -> None:
    token = demo.get_tokens(alice)["refresh_token"]
    seen = {token}
    for _ in range(4):
        token = demo.refresh(token).json()["refresh_token"]
        seen.add(token)
    assert len(seen) == 5
    assert all("." not in value and len(value) >= 22 for value in seen)


def test_scope_may_narrow_and_the_next_refresh_may_have_all_again(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    narrowed = demo.refresh(tokens["refresh_token"], scope="openid email").json()
    assert narrowed["scope"] == "openid email"
    assert demo.resource(narrowed["access_token"], "/resource/email").status_code == 200
    assert demo.resource(narrowed["access_token"], "/resource/profile").status_code == 403
    again = demo.refresh(narrowed["refresh_token"]).json()  # RFC 6749 §6: the refresh token's scope stays the same
    assert again["scope"] == "openid profile email"


def test_narrowing_openid_away_gives_no_id_token(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    assert "id_token" not in demo.refresh(tokens["refresh_token"], scope="email").json()


def test_scope_may_never_widen(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice, scope="openid profile")
    assert error_of(demo.refresh(tokens["refresh_token"], scope="openid profile email")) == "invalid_scope"
    assert demo.refresh(tokens["refresh_token"]).status_code == 200  # the refusal used nothing up


def test_resources_of_a_grant_may_be_narrowed_and_never_widened(
    stack: Stack, demo: RelyingParty, alice: Browser
) -> None:
    tokens = demo.get_tokens(alice, resource=stack.rs)
    assert demo.verify(tokens["access_token"], "ES256")[1]["aud"] == stack.rs
    assert error_of(demo.refresh(tokens["refresh_token"], resource=OTHER_RESOURCE)) == "invalid_target"
    same = demo.refresh(tokens["refresh_token"], resource=stack.rs).json()
    assert demo.verify(same["access_token"], "ES256")[1]["aud"] == stack.rs


def test_refresh_token_of_another_client_is_invalid_grant(
    demo: RelyingParty, party_of: PartyOf, alice: Browser
) -> None:
    tokens = demo.get_tokens(alice)
    assert error_of(party_of(EVERY_SCOPE).refresh(tokens["refresh_token"])) == "invalid_grant"
    assert error_of(party_of(PUBLIC).refresh(tokens["refresh_token"])) == "invalid_grant"
    assert demo.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("token", ["unknown", "a" * 43, "ä", "x" * 8000])
def test_unknown_refresh_token_is_invalid_grant(demo: RelyingParty, token: str) -> None:
    response = demo.refresh(token)
    assert (response.status_code, error_of(response)) == (400, "invalid_grant")


def test_access_token_is_no_refresh_token(demo: RelyingParty, alice: Browser) -> None:
    assert error_of(demo.refresh(demo.get_tokens(alice)["access_token"])) == "invalid_grant"


def test_public_client_refreshes_with_rotation(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(PUBLIC)
    tokens = party.get_tokens(alice)
    assert party.refresh(tokens["refresh_token"]).json()["refresh_token"] != tokens["refresh_token"]


def test_retry_within_the_grace_period_gets_the_same_answer(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    first = demo.refresh(tokens["refresh_token"])
    retry = demo.refresh(tokens["refresh_token"])
    assert (retry.status_code, retry.json()) == (200, first.json())
    assert demo.refresh(first.json()["refresh_token"]).status_code == 200


def test_reuse_after_the_grace_period_revokes_the_whole_family(
    stack: Stack, demo: RelyingParty, alice: Browser
) -> None:
    tokens = demo.get_tokens(alice)
    second = demo.refresh(tokens["refresh_token"]).json()
    third = demo.refresh(second["refresh_token"]).json()
    time.sleep(stack.refresh_grace + 0.2)
    reused = demo.refresh(tokens["refresh_token"])
    assert (reused.status_code, error_of(reused)) == (400, "invalid_grant")
    assert error_of(demo.refresh(third["refresh_token"])) == "invalid_grant"
    for token in (tokens["access_token"], second["access_token"], third["access_token"]):
        assert demo.introspect(token).json() == {"active": False}
        assert demo.resource(token).status_code == 401


def test_refresh_token_of_a_revoked_grant_gets_no_answer_even_within_the_grace_period(
    demo: RelyingParty, alice: Browser
) -> None:
    tokens = demo.get_tokens(alice)
    refreshed = demo.refresh(tokens["refresh_token"]).json()
    demo.revoke(refreshed["refresh_token"])
    assert error_of(demo.refresh(tokens["refresh_token"])) == "invalid_grant"


def test_refresh_token_expires(control: Control, demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    a_second = {"TESSERA_AUTHZ_LIFETIMES__REFRESH_TOKEN_DAYS": "0.00001"}
    with control.authz_replica(a_second) as replica:
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        short_lived = demo.post("/oauth2/v1/token", base=replica, **form).json()
        time.sleep(1)
        response = demo.refresh(short_lived["refresh_token"])
        assert (response.status_code, error_of(response)) == (400, "invalid_grant")
        assert demo.introspect(short_lived["refresh_token"]).json() == {"active": False}
        assert demo.is_active(short_lived["access_token"])


def test_confidential_client_whose_rotation_is_off_keeps_its_refresh_token(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(STEADY)
    tokens = party.get_tokens(alice)
    for _ in range(2):
        refreshed = party.refresh(tokens["refresh_token"])
        assert refreshed.status_code == 200
        assert refreshed.json().get("refresh_token", tokens["refresh_token"]) == tokens["refresh_token"]
        assert party.is_active(refreshed.json()["access_token"])
    assert party.revoke(tokens["refresh_token"]).status_code == 200
    assert error_of(party.refresh(tokens["refresh_token"])) == "invalid_grant"

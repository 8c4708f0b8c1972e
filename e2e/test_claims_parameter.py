"""The claims parameter (OpenID Connect Core §5.5): single claims, in the ID token and of one user."""

import json
import re
from typing import Any

import pytest

from e2e.browser import Browser, as_answer, as_page
from e2e.clients import CODE_ONLY, DEMO, EVERY_SCOPE, SIGNING
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty
from e2e.test_request_objects import outside, sign

ALWAYS = {"iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "at_hash", "sid"}


def asking(**places: Any) -> str:
    """The parameter's value."""
    return json.dumps(places)


def id_token(party: RelyingParty, tokens: dict[str, Any]) -> dict[str, Any]:
    """The claims of the ID token."""
    return party.verify(tokens["id_token"], "RS256")[1]


def allowed(party: RelyingParty, browser: Browser, **changes: str) -> dict[str, Any]:
    """The tokens that come of it when the user allows what the page asks."""
    page = as_page(browser.open(party.authorization_url(prompt="consent", **changes)))
    answer = as_answer(browser.submit(page, "allow"))
    return dict(party.redeem(answer["code"]).json())


def test_metadata_says_that_the_parameter_is_served(demo: RelyingParty) -> None:
    document = demo.http.get(f"{demo.stack.authz}/.well-known/openid-configuration").json()
    assert document["claims_parameter_supported"] is True


def test_id_token_tells_what_was_asked_for_there_and_nothing_more(demo: RelyingParty, alice: Browser) -> None:
    wishes = {"email": None, "name": {"essential": True}, "email_verified": {}}
    told = id_token(demo, allowed(demo, alice, claims=asking(id_token=wishes)))
    assert set(told) == ALWAYS | set(wishes)
    assert (told["email"], told["name"], told["email_verified"]) == ("alice@wonderland.example", "Alice Liddell", True)
    without = id_token(demo, demo.get_tokens(alice))
    assert set(without) == ALWAYS


def test_refreshed_id_token_tells_it_too(demo: RelyingParty, alice: Browser) -> None:
    tokens = allowed(demo, alice, claims=asking(id_token={"nickname": None}))
    refreshed = demo.refresh(tokens["refresh_token"]).json()
    assert id_token(demo, refreshed)["nickname"] == id_token(demo, tokens)["nickname"] == "Al"


def test_every_standard_claim_can_be_asked_for(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(EVERY_SCOPE)
    supported = party.http.get(f"{party.stack.authz}/.well-known/openid-configuration").json()["claims_supported"]
    names = sorted(set(supported) - ALWAYS - {"nonce"})
    told = id_token(party, allowed(party, alice, scope="openid", claims=asking(id_token=dict.fromkeys(names))))
    assert set(told) == ALWAYS | set(names)
    assert told["address"]["country"] == "United Kingdom"
    assert isinstance(told["updated_at"], int)


def test_userinfo_tells_what_was_asked_for_there_and_nothing_more(demo: RelyingParty, alice: Browser) -> None:
    wishes = {"email": {"essential": True}, "given_name": None, "family_name": {"value": "Hatter"}, "shoe_size": None}
    tokens = allowed(demo, alice, scope="openid", claims=asking(userinfo=wishes))
    told = demo.userinfo(tokens["access_token"]).json()
    assert (told["email"], told["given_name"]) == ("alice@wonderland.example", "Alice")
    assert set(told) == {"sub", "email", "given_name"}
    assert set(id_token(demo, tokens)) == ALWAYS
    refreshed = demo.refresh(tokens["refresh_token"]).json()["access_token"]
    assert demo.userinfo(refreshed).json() == told
    assert set(demo.userinfo(demo.get_tokens(alice, scope="openid")["access_token"]).json()) == {"sub"}


def test_value_that_is_not_the_users_is_not_answered_with_another_one(demo: RelyingParty, alice: Browser) -> None:
    wishes = {"given_name": {"value": "Alice"}, "family_name": {"values": ["Hatter", "Hare"]}}
    told = id_token(demo, allowed(demo, alice, claims=asking(id_token=wishes)))
    assert told["given_name"] == "Alice"
    assert "family_name" not in told


def test_user_is_asked_to_allow_what_a_single_claim_tells(demo: RelyingParty, alice: Browser) -> None:
    claims = asking(id_token={"email": None}, userinfo={"nickname": None})
    page = as_page(alice.open(demo.authorization_url(prompt="consent", scope="openid", claims=claims)))
    assert re.findall(r'data-scope="([^"]+)"', page.response.text) == ["openid", "email", "profile"]
    tokens = demo.redeem(as_answer(alice.submit(page, "allow"))["code"]).json()
    assert tokens["scope"] == "openid"
    assert demo.verify(tokens["access_token"], "ES256")[1]["scope"] == "openid"
    assert id_token(demo, tokens)["email"] == "alice@wonderland.example"


def test_single_claim_that_was_not_allowed_before_is_consent_required_under_prompt_none(
    party_of: PartyOf, browser: Browser
) -> None:
    party = party_of(CODE_ONLY)
    party.get_answer(browser, scope="openid")
    silent = as_answer(
        browser.open(party.authorization_url(prompt="none", scope="openid", claims=asking(id_token={"name": None})))
    )
    allowed_before = "code" in as_answer(browser.open(party.authorization_url(prompt="none", scope="openid profile")))
    assert ("code" in silent) == allowed_before
    assert "code" in silent or silent["error"] == "consent_required"


def test_claims_that_the_client_may_not_have_and_unknown_ones_are_ignored(demo: RelyingParty, alice: Browser) -> None:
    wishes = {"phone_number": {"essential": True}, "address": None, "shoe_size": {"essential": True}, "name#de": None}
    claims = asking(id_token=wishes, userinfo=wishes, verified_claims={})
    assert set(id_token(demo, demo.get_tokens(alice, claims=claims))) == ALWAYS


def test_claims_without_the_scope_openid_are_ignored(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice, scope="profile", claims=asking(id_token={"name": None, "sub": {"value": "x"}}))
    assert "id_token" not in tokens


@pytest.mark.parametrize(
    "claims",
    [
        "email",
        "[]",
        '{"id_token": {"email": true}}',
        '{"id_token": {"email": null}, "id_token": {}}',
        '{"id_token": {"sub": {"values": ["a", "b"]}}}',
        json.dumps({"id_token": {"email": {"value": "x" * 5000}}}),
    ],
    ids=["no JSON", "no object", "unknown wish", "a member twice", "several users", "too long"],
)
def test_claims_that_cannot_be_read_are_invalid_request(demo: RelyingParty, alice: Browser, claims: str) -> None:
    assert as_answer(alice.open(demo.authorization_url(claims=claims)))["error"] == "invalid_request"


@pytest.mark.parametrize("place", ["id_token", "userinfo"])
def test_value_of_sub_lets_only_that_user_through(demo: RelyingParty, alice: Browser, place: str) -> None:
    own = id_token(demo, demo.get_tokens(alice))["sub"]
    mine, other = (asking(**{place: {"sub": {"value": sub}}}) for sub in (own, "somebody-else"))
    assert "code" in as_answer(alice.open(demo.authorization_url(prompt="none", claims=mine)))
    silent = as_answer(alice.open(demo.authorization_url(prompt="none", claims=other)))
    assert silent["error"] == "login_required"
    assert as_page(alice.open(demo.authorization_url(claims=other))).has("login")


def test_hint_and_value_of_sub_that_name_different_users_are_login_required(demo: RelyingParty, alice: Browser) -> None:
    hint = demo.get_tokens(alice)["id_token"]
    claims = asking(id_token={"sub": {"value": "somebody-else"}})
    answer = as_answer(alice.open(demo.authorization_url(id_token_hint=hint, claims=claims)))
    assert answer["error"] == "login_required"


def test_claims_travel_in_a_signed_request(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(SIGNING)
    signed = sign(party, claims={"id_token": {"zoneinfo": None}}, prompt="consent")
    page = as_page(alice.open(outside(party, signed)))
    tokens = party.redeem(as_answer(alice.submit(page, "allow"))["code"]).json()
    assert id_token(party, tokens)["zoneinfo"] == "Europe/London"


def test_claims_travel_in_a_pushed_request(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(DEMO)
    request = party.authorization_request(claims=asking(id_token={"locale": None}), prompt="consent")
    pushed = party.post("/oauth2/v1/par", **request).json()["request_uri"]
    url = f"{party.stack.authz}/oauth2/v1/authorize?client_id={party.client.client_id}&request_uri={pushed}"
    tokens = party.redeem(as_answer(alice.submit(as_page(alice.open(url)), "allow"))["code"]).json()
    assert id_token(party, tokens)["locale"] == "en-GB"

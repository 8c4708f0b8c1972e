"""Userinfo (OpenID Connect Core §5.3)."""

import json

import httpx
import pytest

from e2e.browser import Browser, as_answer, as_page
from e2e.clients import EVERY_SCOPE
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty, bearer
from e2e.stack import Stack

PROFILE = {
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
}
CLAIMS = {
    "openid": {"sub"},
    "openid profile": {"sub", *PROFILE},
    "openid email": {"sub", "email", "email_verified"},
    "openid address": {"sub", "address"},
    "openid phone": {"sub", "phone_number", "phone_number_verified"},
}
"""OpenID Connect Core §5.1, §5.4; the demo user has every standard claim."""


@pytest.mark.parametrize("scope", CLAIMS)
def test_each_scope_tells_its_claims_and_no_others(party_of: PartyOf, alice: Browser, scope: str) -> None:
    party = party_of(EVERY_SCOPE)
    tokens = party.get_tokens(alice, scope=scope)
    response = party.userinfo(tokens["access_token"])
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.headers["cache-control"] == "no-store"
    told = response.json()
    assert set(told) == CLAIMS[scope]
    assert told["sub"] == party.verify(tokens["id_token"], "RS256")[1]["sub"]


def test_claims_asked_for_by_name_are_told_whatever_the_scope(demo: RelyingParty, alice: Browser) -> None:
    wishes = {"email": None, "given_name": {"value": "Alice"}, "family_name": {"value": "Hatter"}, "phone_number": None}
    url = demo.authorization_url(prompt="consent", scope="openid", claims=json.dumps({"userinfo": wishes}))
    tokens = demo.redeem(as_answer(alice.submit(as_page(alice.open(url)), "allow"))["code"]).json()
    for token in (tokens["access_token"], demo.refresh(tokens["refresh_token"]).json()["access_token"]):
        told = demo.userinfo(token).json()
        assert set(told) == {
            "sub",
            "email",
            "given_name",
        }  # another family name, and a phone that the client may not have
    assert demo.userinfo(demo.get_tokens(alice, scope="openid")["access_token"]).json().keys() == {"sub"}


def test_claims_have_the_types_of_the_specification(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(EVERY_SCOPE)
    told = party.userinfo(party.get_tokens(alice)["access_token"]).json()
    assert set(told) == set().union(*CLAIMS.values())
    assert told["email_verified"] is True
    assert told["phone_number_verified"] is True
    assert isinstance(told["updated_at"], int)
    assert set(told["address"]) >= {"formatted", "street_address", "locality", "postal_code", "country"}
    assert told["preferred_username"] == "alice"


def test_token_may_come_by_get_post_or_form(stack: Stack, demo: RelyingParty, alice: Browser) -> None:
    token = demo.get_tokens(alice)["access_token"]
    url = f"{stack.idp}/oidc/v1/userinfo"
    answers = [
        demo.http.get(url, headers=bearer(token)),
        demo.http.post(url, headers=bearer(token)),
        demo.http.post(url, data={"access_token": token}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()


def test_token_sent_in_two_ways_is_a_bad_request(stack: Stack, demo: RelyingParty, alice: Browser) -> None:
    token = demo.get_tokens(alice)["access_token"]
    response = demo.http.post(f"{stack.idp}/oidc/v1/userinfo", data={"access_token": token}, headers=bearer(token))
    assert response.status_code == 400
    assert 'error="invalid_request"' in response.headers["www-authenticate"]


def test_token_in_the_query_is_not_taken(stack: Stack, demo: RelyingParty, alice: Browser) -> None:
    token = demo.get_tokens(alice)["access_token"]
    assert demo.http.get(f"{stack.idp}/oidc/v1/userinfo", params={"access_token": token}).status_code == 401


def test_without_openid_it_is_insufficient_scope(demo: RelyingParty, alice: Browser) -> None:
    for tokens in (demo.get_tokens(alice, scope="profile"), demo.token("client_credentials").json()):
        response = demo.userinfo(tokens["access_token"])
        assert response.status_code == 403
        assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
        assert 'scope="openid"' in response.headers["www-authenticate"]


def test_token_of_a_client_itself_is_about_no_user(demo: RelyingParty) -> None:
    token = demo.token("client_credentials", scope="openid").json()["access_token"]
    response = demo.userinfo(token)
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


def test_missing_token_gets_a_challenge_without_an_error(stack: Stack, http: httpx.Client) -> None:
    response = http.get(f"{stack.idp}/oidc/v1/userinfo")
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer realm="tessera", DPoP ')
    assert "error" not in response.headers["www-authenticate"]


def test_token_that_is_not_valid_is_refused(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    for token in ("x", "a.b.c", tokens["id_token"], tokens["refresh_token"], tokens["access_token"][:-8] + "AAAAAAAA"):
        response = demo.userinfo(token)
        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["www-authenticate"]


def test_narrowed_token_tells_less(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    narrowed = demo.refresh(tokens["refresh_token"], scope="openid email").json()
    assert set(demo.userinfo(narrowed["access_token"]).json()) == CLAIMS["openid email"]

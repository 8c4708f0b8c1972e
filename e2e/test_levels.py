"""Levels of login (acr: OpenID Connect Core §3.1.2.1, §5.5.1.1): who asks for which, and what is told."""

import json
from typing import Any

import pytest

from e2e.browser import Browser, as_answer
from e2e.clients import IMPATIENT, MULTI_FACTOR, PASSWORD, USERNAME, VAULT
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty

ONE, MULTI, RESISTANT = (f"urn:tessera:acr:{name}" for name in ("one-factor", "multi-factor", "phishing-resistant"))
UNKNOWN = "urn:example:gold"


def essential(*values: str) -> str:
    """The claims parameter that must have one of these classes."""
    return json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})


def voluntary(*values: str) -> str:
    """The claims parameter that would like one of them."""
    return json.dumps({"id_token": {"acr": {"values": values}}})


def told(party: RelyingParty, tokens: dict[str, Any]) -> str:
    """The acr of the ID token, which the access token tells too."""
    acr = str(party.verify(tokens["id_token"], "RS256")[1]["acr"])
    assert party.verify(tokens["access_token"], "ES256")[1]["acr"] == acr
    assert party.introspect(tokens["access_token"]).json()["acr"] == acr
    return acr


def test_metadata_tells_the_classes_the_weakest_first(demo: RelyingParty) -> None:
    document = demo.http.get(f"{demo.stack.authz}/.well-known/openid-configuration").json()
    assert document["acr_values_supported"] == [ONE, MULTI, RESISTANT]
    assert "acr" in document["claims_supported"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"acr_values": ONE},
        {"acr_values": f"{UNKNOWN} {ONE}"},
        {"acr_values": UNKNOWN},
        {"claims": essential(ONE)},
        {"claims": essential(UNKNOWN, ONE)},
        {"claims": voluntary(UNKNOWN)},
        {"claims": '{"id_token": {"acr": {"essential": true}}}'},
        {"acr_values": MULTI, "prompt": "none"},
        {"claims": voluntary(MULTI), "prompt": "none"},
    ],
    ids=lambda changes: ", ".join(f"{name} {value[-40:]}" for name, value in changes.items()) or "nothing",
)
def test_what_one_factor_meets_or_need_not_meet_is_answered_with_the_level_reached(
    demo: RelyingParty, alice: Browser, changes: dict[str, str]
) -> None:
    demo.get_answer(alice)
    assert told(demo, demo.get_tokens(alice, **changes)) == ONE


def test_essential_class_that_is_not_known_is_unmet_at_once(demo: RelyingParty, browser: Browser) -> None:
    answer = as_answer(browser.open(demo.authorization_url(claims=essential(UNKNOWN))))
    assert set(answer.parameters) == {"error", "error_description", "state", "iss"}
    assert answer["error"] == "unmet_authentication_requirements"


def test_session_below_an_essential_level_is_login_required_under_prompt_none(
    demo: RelyingParty, alice: Browser
) -> None:
    demo.get_answer(alice)
    for level in (MULTI, RESISTANT):
        answer = as_answer(alice.open(demo.authorization_url(prompt="none", claims=essential(level))))
        assert answer["error"] == "login_required"


def test_clients_own_level_is_demanded_whatever_it_asks(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(MULTI_FACTOR)
    for changes in ({}, {"acr_values": ONE}, {"claims": essential(ONE)}):
        answer = as_answer(alice.open(party.authorization_url(prompt="none", **changes)))
        assert answer["error"] == "login_required"


def test_level_of_a_scope_is_demanded_with_that_scope_only(party_of: PartyOf, browser: Browser) -> None:
    party = party_of(VAULT)
    assert "code" in browser.authorize(party.authorization_url(scope="openid"), USERNAME, PASSWORD)
    assert "code" in as_answer(browser.open(party.authorization_url(scope="openid", prompt="none")))
    answer = as_answer(browser.open(party.authorization_url(scope="openid vault", prompt="none")))
    assert answer["error"] == "login_required"


def test_default_acr_values_of_a_client_are_asked_for(party_of: PartyOf, browser: Browser) -> None:
    party = party_of(IMPATIENT)
    assert told(party, party.get_tokens(browser)) == ONE

"""Levels of login (acr: OpenID Connect Core §3.1.2.1, §5.5.1.1): who asks for which, and what is told."""

import json
from typing import Any

import httpx
import pytest

from e2e.browser import Browser, as_answer
from e2e.clients import CALLBACK, IMPATIENT, MULTI_FACTOR, PASSWORD, USERNAME, VAULT
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty, bearer
from e2e.stack import Control, Stack

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


def operate(control: Control, *arguments: str) -> dict[str, Any]:
    """What a command of authz answers."""
    done = control.operate("authz", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_operator_gives_a_scope_its_level_and_takes_it_back(control: Control) -> None:
    made = operate(control, "scopes", "add", "e2e:safe", "--title", "Open the safe", "--acr", MULTI)
    assert made["acr"] == MULTI
    assert operate(control, "scopes", "change", "e2e:safe", "--detail", "All of it")["acr"] == MULTI
    assert operate(control, "scopes", "change", "e2e:safe", "--acr", "")["acr"] is None
    unknown = control.operate("authz", "scopes", "change", "e2e:safe", "--acr", UNKNOWN)
    assert (unknown.returncode, "--acr is one of" in unknown.stderr) == (1, True)
    operate(control, "scopes", "remove", "e2e:safe")


def test_operator_gives_a_client_a_level_that_it_cannot_lower_itself(
    stack: Stack, http: httpx.Client, control: Control
) -> None:
    request: dict[str, Any] = {"redirect_uris": [CALLBACK], "scope": "openid"}
    made = http.post(f"{stack.authz}/oauth2/v1/register", json=request).json()
    members = ("--set", f"require_acr={MULTI}", "--set", "default_max_age=300")
    operate(control, "clients", "change", made["client_id"], *members)
    own, request = bearer(made["registration_access_token"]), {**request, "client_id": made["client_id"]}
    read = http.get(made["registration_client_uri"], headers=own).json()
    assert (read["require_acr"], read["default_max_age"]) == (MULTI, 300)
    for lower in ({}, {"require_acr": ONE}):
        refused = http.put(made["registration_client_uri"], json={**request, **lower}, headers=own)
        assert (refused.status_code, "require_acr" in refused.json()["error_description"]) == (400, True)
    higher = http.put(made["registration_client_uri"], json={**request, "require_acr": RESISTANT}, headers=own)
    assert higher.json()["require_acr"] == RESISTANT

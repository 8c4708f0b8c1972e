"""npm openid-client: prompts, ages, levels, claims and logout, as its own checks accept them."""

import json
from typing import Any

import pytest

from e2e.browser import Answer, Browser, as_page
from e2e.clients import AFTER_LOGOUT, DEMO, IMPATIENT, MULTI_FACTOR
from e2e.conftest import PartyOf
from e2e.interop.node import ForeignError, Node, Visit
from e2e.interop.scenario import Known, of
from e2e.stack import Control
from e2e.test_levels_reached import Person, make_person

ONE, MULTI = "urn:tessera:acr:one-factor", "urn:tessera:acr:multi-factor"


@pytest.fixture
def known(party_of: PartyOf) -> Known:
    """The demo client and what it asks for, as scripts read it."""
    return of(party_of(DEMO).client)


@pytest.fixture
def first(node: Node, known: Known, user: Visit) -> dict[str, Any]:
    """What came of a login in the user's browser."""
    return dict(node.run("authorization_code", user, **known))


@pytest.fixture
def person(control: Control) -> Person:
    """A user with a password and nothing more yet."""
    return make_person(control)


def error_of(node: Node, user: Visit, known: Known, **parameters: str) -> str:
    """The error that the client understands."""
    with pytest.raises(ForeignError) as refused:
        node.run("authorization_code", user, **known | {"parameters": parameters})
    return str(refused.value.told["error"])


@pytest.mark.parametrize(
    "parameters",
    [
        {"prompt": "none"},
        {"prompt": "none", "max_age": "600"},
        {"prompt": "none", "acr_values": ONE},
        {"prompt": "none", "response_mode": "form_post"},
        {"prompt": "select_account"},
        {"max_age": "600", "acr_values": f"{MULTI} {ONE}"},
    ],
    ids=str,
)
def test_session_answers_without_a_new_login(
    node: Node, known: Known, user: Visit, first: dict[str, Any], parameters: dict[str, str]
) -> None:
    again = node.run("authorization_code", user, **known | {"parameters": parameters})
    assert again["claims"]["sub"] == again["userinfo"]["sub"] == first["claims"]["sub"]
    assert again["claims"]["auth_time"] == first["claims"]["auth_time"]
    assert again["claims"]["acr"] == ONE
    assert again["refreshed"]["access_token"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"prompt": "login"},
        {"prompt": "login consent"},
        {"prompt": "consent"},
        {"max_age": "0"},
        {"max_age": "0", "acr_values": ONE},
        {"prompt": "login", "claims": json.dumps({"id_token": {"acr": {"essential": True, "value": ONE}}})},
    ],
    ids=str,
)
def test_user_who_is_asked_again_comes_back_as_the_same(
    node: Node, known: Known, user: Visit, first: dict[str, Any], parameters: dict[str, str]
) -> None:
    again = node.run("authorization_code", user, **known | {"parameters": parameters})
    assert again["claims"]["sub"] == first["claims"]["sub"]
    assert again["claims"]["auth_time"] >= first["claims"]["auth_time"]
    assert again["claims"]["acr"] == ONE
    assert again["refreshed"]["access_token"]


def test_hint_and_single_claims_are_understood(node: Node, known: Known, user: Visit, first: dict[str, Any]) -> None:
    claims = json.dumps({"id_token": {"name": {"essential": True}, "sub": {"value": first["claims"]["sub"]}}})
    parameters = {"prompt": "none", "id_token_hint": first["tokens"]["id_token"], "claims": claims}
    assert node.run("authorization_code", user, **known | {"parameters": parameters})["claims"]["name"]


def test_what_cannot_be_met_silently_is_understood(
    node: Node, known: Known, user: Visit, first: dict[str, Any], party_of: PartyOf
) -> None:
    assert first["claims"]["acr"] == ONE
    essential = json.dumps({"id_token": {"acr": {"essential": True, "values": [MULTI]}}})
    unknown = json.dumps({"id_token": {"acr": {"essential": True, "values": ["urn:example:gold"]}}})
    assert error_of(node, user, known, prompt="none", claims=essential) == "login_required"
    assert error_of(node, user, known, prompt="none", max_age="0") == "login_required"
    assert error_of(node, user, known, claims=unknown) == "unmet_authentication_requirements"
    assert error_of(node, user, of(party_of(MULTI_FACTOR).client), prompt="none") == "login_required"


def test_level_that_is_demanded_is_reached_and_told(node: Node, known: Known, browser: Browser, person: Person) -> None:
    essential = json.dumps({"id_token": {"acr": {"essential": True, "values": [MULTI]}}})

    def visit(url: str) -> Answer:
        return person.log_in(browser, url)

    combinations: list[dict[str, str]] = [
        {"claims": essential},
        {"claims": essential, "prompt": "none", "max_age": "600"},
        {"acr_values": f"{MULTI} {ONE}", "prompt": "none"},
        {"acr_values": MULTI, "prompt": "login"},
    ]
    for parameters in combinations:
        result = node.run("authorization_code", visit, **known | {"parameters": parameters})
        assert (result["claims"]["acr"], "mfa" in result["claims"]["amr"]) == (MULTI, True)


def test_auth_time_that_a_client_requires_is_there(node: Node, party_of: PartyOf, user: Visit) -> None:
    known = of(party_of(IMPATIENT).client)
    known["client"] |= {"require_auth_time": True, "default_max_age": 1}
    assert node.run("authorization_code", user, **known)["claims"]["auth_time"]


def test_logout_ends_the_session_and_comes_back(
    node: Node, known: Known, user: Visit, browser: Browser, party_of: PartyOf, first: dict[str, Any]
) -> None:
    id_token = first["tokens"]["id_token"]
    left = node.run("logout", user, id_token=id_token, post_logout_redirect_uri=AFTER_LOGOUT, **known)
    assert left == {"arrived": AFTER_LOGOUT, "same_state": True}
    assert error_of(node, user, known, prompt="none") == "login_required"
    assert as_page(browser.open(party_of(DEMO).authorization_url())).has("login")

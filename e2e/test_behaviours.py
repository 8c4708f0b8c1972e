"""What strict clients rely on where one feature meets another: response modes, prompt=none, refresh and logout."""

import json
import time
from typing import Any

import pytest
from joserfc import jws

from e2e.browser import Answer, Browser, Page, as_answer, as_page
from e2e.clients import AFTER_LOGOUT, NEVER_ALLOWED, PASSWORD, SIGNING, USERNAME
from e2e.conftest import NewBrowser, PartyOf
from e2e.relying_party import RelyingParty
from e2e.test_authorization_endpoint import LONG_STATE, refused
from e2e.test_login import id_token_of, next_second
from e2e.test_request_objects import outside, sign

ODD_STATE = "a b+c%20&=ä€😀<i>'\""
MODES = ("query", "form_post", "query.jwt", "form_post.jwt")


def told(party: RelyingParty, browser: Browser, found: Page | Answer) -> dict[str, Any]:
    """What the client reads in an answer, by whichever mode it came: signed ones are verified."""
    answer = as_answer(browser.submit(found, "continue") if isinstance(found, Page) else found)
    if "response" in answer:
        assert set(answer.parameters) == {"response"}
        claims = party.verify(answer["response"], "RS256")[1]
        return {name: value for name, value in claims.items() if name not in ("aud", "exp", "iat")}
    return dict(answer.parameters)


@pytest.mark.parametrize("state", [ODD_STATE, LONG_STATE], ids=["odd", "long"])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_brings_state_and_iss_with_codes_and_errors(
    demo: RelyingParty, alice: Browser, mode: str, state: str
) -> None:
    common = {"state": state, "iss": demo.stack.issuer}
    demo.get_answer(alice)
    good = told(demo, alice, alice.open(demo.authorization_url(response_mode=mode, state=state)))
    assert good == {"code": good["code"], **common}
    for wrong in ({"response_type": "token"}, {"scope": "openid admin"}, {"prompt": "none login"}):
        bad = told(demo, alice, alice.open(demo.authorization_url(response_mode=mode, state=state, **wrong)))
        assert bad == {"error": bad["error"], "error_description": bad["error_description"], **common}


@pytest.mark.parametrize("mode", MODES)
def test_denial_reaches_the_client_by_its_mode(demo: RelyingParty, alice: Browser, mode: str) -> None:
    page = alice.show(demo.authorization_url(response_mode=mode, prompt="consent"))
    answer = told(demo, alice, alice.submit(page, "deny"))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", demo.state, demo.stack.issuer)
    assert "code" not in answer


@pytest.mark.parametrize(
    "name",
    [
        "response_type",
        "response_mode",
        "prompt",
        "display",
        "max_age",
        "scope",
        "claims",
        "code_challenge",
        "code_challenge_method",
        "resource",
        "dpop_jkt",
        "request",
        "request_uri",
    ],
)
def test_error_answers_keep_to_their_form_whatever_was_sent(demo: RelyingParty, browser: Browser, name: str) -> None:
    answer = refused(demo, browser, **{name: 'ä"\\\n<b>\x7f'})
    assert "code" not in answer


@pytest.mark.parametrize("case", ["no session", "no consent", "too old", "login too weak", "hint of nobody"])
def test_prompt_none_never_shows_a_page(demo: RelyingParty, party_of: PartyOf, browser: Browser, case: str) -> None:
    party = party_of(NEVER_ALLOWED) if case == "no consent" else demo
    if case != "no session":
        demo.get_answer(browser)
    essential = {"id_token": {"acr": {"essential": True, "value": "urn:tessera:acr:phishing-resistant"}}}
    changes: dict[str, dict[str, str]] = {
        "too old": {"max_age": "0"},
        "login too weak": {"claims": json.dumps(essential)},
        "hint of nobody": {"id_token_hint": "x"},
    }
    if case == "too old":
        next_second()
    browser.visited.clear()
    answer = as_answer(browser.open(party.authorization_url(prompt="none", **changes.get(case, {}))))
    assert answer["error"] == ("consent_required" if case == "no consent" else "login_required")
    assert {response.status_code for response in browser.visited} <= {302, 303}


def test_refreshed_id_token_keeps_its_auth_time_though_the_user_logged_in_again(
    demo: RelyingParty, browser: Browser
) -> None:
    tokens = demo.get_tokens(browser)
    before = demo.verify(tokens["id_token"], "RS256")[1]
    next_second()
    page = browser.show(demo.authorization_url(prompt="login"))
    assert id_token_of(demo, browser.log_in(page, USERNAME, PASSWORD))["auth_time"] > before["auth_time"]
    header, after = demo.verify(demo.refresh(tokens["refresh_token"]).json()["id_token"], "RS256")
    assert header["kid"]
    for name in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid"):
        assert after[name] == before[name]
    assert after["iat"] > before["iat"]


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE"])
def test_no_other_method_than_post_approves(demo: RelyingParty, alice: Browser, method: str) -> None:
    page = alice.show(demo.authorization_url(prompt="consent"))
    fields = {**page.form("allow").fields, "action": "allow"}
    response = alice.http.request(method, page.url.partition("?")[0], params=fields)
    assert response.status_code in (200, 405)
    assert "location" not in response.headers


def test_consent_page_of_one_request_does_not_approve_another(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(NEVER_ALLOWED)
    seen = alice.show(party.authorization_url(scope="openid"))
    other = alice.show(party.authorization_url(scope="openid profile email"))
    fields = {**seen.form("allow").fields, "ask": other.form("allow").fields["ask"], "action": "allow"}
    response = alice.http.post(seen.url.partition("?")[0], data=fields)
    assert response.status_code == 403
    assert "location" not in response.headers


def test_max_age_inside_a_request_object_may_be_a_number_and_counts(party_of: PartyOf, browser: Browser) -> None:
    party = party_of(SIGNING)
    first = id_token_of(party, party.get_answer(browser))
    again = id_token_of(party, browser.open(outside(party, sign(party, max_age=600, prompt="none"))))
    assert again["auth_time"] == first["auth_time"]
    next_second()
    next_second()
    late = as_answer(browser.open(outside(party, sign(party, max_age=1, prompt="none"), max_age="600")))
    assert late["error"] == "login_required"


@pytest.mark.parametrize(
    "uri",
    [
        "HTTP://LOCALHOST:3000/",
        "http://localhost:3000/?",
        "http://localhost:3000//",
        "http://localhost:3000/./",
        "http://localhost:3000/%2e",
        "http://localhost:3000@evil.example/",
        " http://localhost:3000/",
        "http://localhost:3000/\n",
    ],
)
def test_address_after_the_logout_is_compared_character_by_character(
    demo: RelyingParty, browser: Browser, uri: str
) -> None:
    token = demo.get_tokens(browser)["id_token"]
    parameters = {"id_token_hint": token, "post_logout_redirect_uri": uri, "state": "s"}
    page = as_page(browser.open(f"{demo.stack.idp}/oidc/v1/logout", params=parameters))
    assert "continue" not in page.links
    assert uri.strip() not in page.response.text


def test_token_that_is_no_id_token_of_this_client_leads_nowhere_after_the_logout(
    demo: RelyingParty, alice: Browser, browser: Browser
) -> None:
    demo.get_answer(browser)
    signed = demo.get_answer(alice, response_mode="query.jwt")["response"]
    own = demo.get_tokens(alice)["id_token"]
    claims = json.loads(jws.extract_compact(own.encode()).payload)
    assert claims["exp"] > time.time()
    for hint in (signed, own[:-6] + ("AAAAAA" if own[-6:] != "AAAAAA" else "BBBBBB")):
        parameters = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT}
        page = as_page(browser.open(f"{demo.stack.idp}/oidc/v1/logout", params=parameters))
        assert page.has("logout")
    assert "code" in as_answer(browser.open(demo.authorization_url(prompt="none")))


def test_state_comes_back_after_a_logout_that_the_user_had_to_confirm(
    demo: RelyingParty, browser: Browser, new_browser: NewBrowser
) -> None:
    demo.get_answer(browser)
    hint = demo.get_tokens(new_browser())["id_token"]  # of another session: the user is asked
    parameters = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT, "state": ODD_STATE}
    logout = f"{demo.stack.idp}/oidc/v1/logout"
    stayed = as_page(browser.submit(as_page(browser.open(logout, params=parameters)), "stay"))
    assert stayed.status == 200
    assert "code" in as_answer(browser.open(demo.authorization_url(prompt="none")))
    answer = as_answer(browser.submit(as_page(browser.open(logout, params=parameters)), "logout"))
    assert dict(answer.parameters) == {"state": ODD_STATE}
    assert answer.url.startswith(f"{AFTER_LOGOUT}?")
    assert as_answer(browser.open(demo.authorization_url(prompt="none")))["error"] == "login_required"

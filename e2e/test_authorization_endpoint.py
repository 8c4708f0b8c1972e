"""The authorization endpoint (RFC 6749 §3.1, OAuth 2.1 §4.1.1): what it takes, what it refuses, where answers go."""

import re
from urllib.parse import urlencode

import pytest

from e2e.browser import Answer, Browser, as_answer, as_page
from e2e.clients import (
    CALLBACK,
    CALLBACK_WITH_QUERY,
    EVERY_SCOPE,
    OIDC,
    PUBLIC,
    SERVICE,
)
from e2e.conftest import PartyOf
from e2e.relying_party import Pkce, RelyingParty
from e2e.stack import Stack

LONG_STATE = ("-._~" + "AZaz09" * 30)[:128]
_TOLD = {"error", "error_description", "error_uri", "state", "iss"}
_ERROR_CHARACTERS = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")


def refused(party: RelyingParty, browser: Browser, **changes: str | None) -> Answer:
    """The error answer that the client gets; its form is checked here for every test (RFC 6749 §4.1.2.1, RFC 9207)."""
    answer = as_answer(browser.open(party.authorization_url(**changes)))
    assert set(answer.parameters) <= _TOLD
    assert answer["iss"] == party.stack.issuer
    assert answer.parameters.get("state") == changes.get("state", party.state)
    assert _ERROR_CHARACTERS.fullmatch(answer["error_description"])
    return answer


def stays_on_a_page(party: RelyingParty, browser: Browser, **changes: str | None) -> str:
    """The error code on the page that the user sees; the client gets nothing."""
    page = as_page(browser.open(party.authorization_url(**changes)))
    assert page.status == 400
    assert all(response.status_code not in (302, 303) for response in browser.visited)
    return page.texts["error"]


def test_request_by_post_is_served_as_by_get(demo: RelyingParty, alice: Browser) -> None:
    form = demo.authorization_request()
    started = alice.http.post(f"{demo.stack.authz}/oauth2/v1/authorize", data=form)
    assert started.status_code == 303
    answer = as_answer(alice.open(started.headers["location"]))
    assert demo.redeem(answer["code"]).status_code == 200


def test_short_alias_serves_the_same(demo: RelyingParty, alice: Browser) -> None:
    answer = as_answer(alice.open(f"{demo.stack.authz}/oauth/authorize?{urlencode(demo.authorization_request())}"))
    assert demo.redeem(answer["code"]).status_code == 200


def test_unknown_parameters_are_ignored_and_order_does_not_matter(demo: RelyingParty, alice: Browser) -> None:
    backwards = dict(reversed(demo.authorization_request(unheard_of="x", registration_hint="y").items()))
    answer = as_answer(alice.open(f"{demo.stack.authz}/oauth2/v1/authorize?{urlencode(backwards)}"))
    assert "code" in answer


@pytest.mark.parametrize("name", ["scope", "state", "response_type", "nonce", "code_challenge"])
def test_repeated_parameter_is_invalid_request(demo: RelyingParty, browser: Browser, name: str) -> None:
    url = f"{demo.authorization_url(nonce='n')}&{name}=again"
    answer = as_answer(browser.open(url))
    assert (answer["error"], answer["iss"]) == ("invalid_request", demo.stack.issuer)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_repeated_client_id_or_redirect_uri_is_never_redirected(
    demo: RelyingParty, browser: Browser, name: str
) -> None:
    same = demo.authorization_request()[name]
    page = browser.show(f"{demo.authorization_url()}&{urlencode({name: same})}")
    assert (page.status, page.texts["error"]) == (400, "invalid_request")


def test_optional_openid_parameters_are_accepted(demo: RelyingParty, alice: Browser) -> None:
    wishes = {"display": "popup", "ui_locales": "de fr", "claims_locales": "en", "login_hint": "alice"}
    assert "code" in demo.get_answer(alice, **wishes, acr_values="urn:example:unheard-of")


def test_requested_acr_that_can_be_met_is_met_and_returned(demo: RelyingParty, alice: Browser) -> None:
    supported = demo.http.get(f"{demo.stack.authz}/.well-known/openid-configuration").json()["acr_values_supported"]
    tokens = demo.get_tokens(alice, acr_values=supported[0])
    assert demo.verify(tokens["id_token"], "RS256")[1]["acr"] == supported[0]


def test_missing_response_type_is_invalid_request(demo: RelyingParty, browser: Browser) -> None:
    assert refused(demo, browser, response_type=None)["error"] == "invalid_request"


@pytest.mark.parametrize("value", ["token", "id_token", "code id_token", "none", "CODE"])
def test_unsupported_response_type_is_told(demo: RelyingParty, browser: Browser, value: str) -> None:
    assert refused(demo, browser, response_type=value)["error"] == "unsupported_response_type"


def test_client_without_the_response_type_is_unauthorized(party_of: PartyOf, browser: Browser) -> None:
    assert refused(party_of(SERVICE), browser)["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "http://localhost:3000/",
        f"{CALLBACK}/",
        f"{CALLBACK}?more=1",
        f"{CALLBACK}?",
        f"{CALLBACK}#fragment",
        f"{CALLBACK}/../callback",
        "http://localhost:3000/CALLBACK",
        "http://LOCALHOST:3000/callback",
        "http://localhost:3001/callback",
        "http://localhost/callback",
        "https://localhost:3000/callback",
        "http://localhost:3000@evil.example/callback",
        "http://evil.example/?http://localhost:3000/callback",
        "http://127.0.0.1:3000/callback",
        "//localhost:3000/callback",
        "javascript:alert(1)",
    ],
)
def test_redirect_uri_that_differs_in_anything_stays_on_a_page(
    demo: RelyingParty, browser: Browser, uri: str | None
) -> None:
    assert stays_on_a_page(demo, browser, redirect_uri=uri) == "invalid_request"


def test_unknown_client_stays_on_a_page(demo: RelyingParty, browser: Browser) -> None:
    assert stays_on_a_page(demo, browser, client_id="nobody") == "invalid_request"
    assert stays_on_a_page(demo, browser, client_id=None) == "invalid_request"


def test_registered_query_of_a_redirect_uri_is_kept(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(EVERY_SCOPE)
    answer = party.get_answer(alice, redirect_uri=CALLBACK_WITH_QUERY)
    assert answer.url.startswith(f"{CALLBACK_WITH_QUERY}&")
    assert (answer["tenant"], answer["x"]) == ("blue", " y")
    assert party.redeem(answer["code"], redirect_uri=CALLBACK_WITH_QUERY).status_code == 200


def test_registered_query_of_a_redirect_uri_must_be_sent(party_of: PartyOf, browser: Browser) -> None:
    party = party_of(EVERY_SCOPE)
    for uri in (f"{CALLBACK}?tenant=red&x=%20y", f"{CALLBACK}?tenant=blue", f"{CALLBACK}?tenant=blue&x=+y"):
        assert stays_on_a_page(party, browser, redirect_uri=uri) == "invalid_request"


def test_loopback_redirect_uri_of_a_native_client_matches_on_any_port(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(PUBLIC)
    uri = "http://127.0.0.1:51004/native/callback"
    answer = party.get_answer(alice, redirect_uri=uri)
    assert answer.url.startswith(f"{uri}?")
    assert party.redeem(answer["code"], redirect_uri=uri).status_code == 200


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:51004/native/other",
        "http://127.0.0.1:51004@evil.example/native/callback",
        "http://127.0.0.1:/native/callback",
        "http://127.0.0.1.evil.example/native/callback",
        "http://[::1]:51004/native/callback",
        "https://127.0.0.1:51004/native/callback",
    ],
)
def test_loopback_redirect_uri_matches_in_all_but_the_port(party_of: PartyOf, browser: Browser, uri: str) -> None:
    assert stays_on_a_page(party_of(PUBLIC), browser, redirect_uri=uri) == "invalid_request"


@pytest.mark.parametrize("state", [LONG_STATE, "a b+c%20&=ä€😀", "<script>'\"", " "])
def test_state_comes_back_as_it_was_sent(demo: RelyingParty, alice: Browser, state: str) -> None:
    assert demo.get_answer(alice, state=state)["state"] == state
    assert refused(demo, alice, state=state, response_type=None)["state"] == state


def test_answer_without_a_state_has_none(demo: RelyingParty, alice: Browser) -> None:
    assert set(demo.get_answer(alice, state=None).parameters) == {"code", "iss"}


@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        (None, None),
        (None, "S256"),
        ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "plain"),
        ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", None),
        ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "S512"),
        ("too-short", "S256"),
        ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c=", "S256"),
    ],
)
def test_missing_plain_or_misformed_challenge_is_refused(
    demo: RelyingParty, browser: Browser, challenge: str | None, method: str | None
) -> None:
    answer = refused(demo, browser, code_challenge=challenge, code_challenge_method=method)
    assert answer["error"] == "invalid_request"


def test_confidential_client_of_the_oidc_profile_may_leave_pkce_out(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(OIDC)
    code = party.get_code(alice, code_challenge=None, code_challenge_method=None)
    assert party.redeem(code, code_verifier=None).status_code == 200


def test_verifier_without_a_challenge_is_refused(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(OIDC)  # RFC 9700 §4.8.2: otherwise an attacker strips the challenge
    code = party.get_code(alice, code_challenge=None, code_challenge_method=None)
    refusal = party.redeem(code, code_verifier=Pkce.new().verifier)
    assert (refusal.status_code, refusal.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("scope", ["openid unheard-of", "openid address", 'profile"', "pro\\file", "openid ä"])
def test_scope_that_the_client_may_not_ask_for_is_invalid_scope(
    demo: RelyingParty, browser: Browser, scope: str
) -> None:
    assert refused(demo, browser, scope=scope)["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("name", "error"), [("request", "request_not_supported"), ("registration", "registration_not_supported")]
)
def test_request_object_where_it_is_not_supported_is_never_ignored(
    demo: RelyingParty, browser: Browser, name: str, error: str
) -> None:
    assert refused(demo, browser, **{name: "eyJhbGciOiJub25lIn0.e30."})["error"] == error


def test_request_uri_where_it_is_not_supported_is_never_ignored(demo: RelyingParty, browser: Browser) -> None:
    answer = refused(demo, browser, request_uri="https://client.example/request.jwt")
    assert answer["error"] == "request_uri_not_supported"


def test_resource_that_is_not_known_is_invalid_target(demo: RelyingParty, browser: Browser) -> None:
    assert refused(demo, browser, resource="https://unheard.example")["error"] == "invalid_target"


def test_answer_by_query_is_a_302_that_is_neither_stored_nor_referred(
    stack: Stack, demo: RelyingParty, alice: Browser
) -> None:
    demo.get_answer(alice, response_mode="query")
    last = alice.visited[-1]
    assert str(last.url).startswith(f"{stack.authz}/oauth2/v1/authorize/resume")
    assert (last.status_code, last.headers["cache-control"]) == (302, "no-store")
    assert last.headers["referrer-policy"] == "no-referrer"


def test_answer_by_form_post_is_posted_with_nothing_in_the_query(demo: RelyingParty, browser: Browser) -> None:
    answer = demo.get_answer(browser, response_mode="form_post")
    assert answer.url == CALLBACK
    assert answer.posted is not None
    assert (answer["state"], answer["iss"]) == (demo.state, demo.stack.issuer)
    assert demo.redeem(answer["code"]).status_code == 200
    page = browser.visited[-1]
    assert page.headers["cache-control"] == "no-store"
    assert "form-action 'self' http://localhost:3000" in page.headers["content-security-policy"]


def test_errors_by_form_post_are_posted_too(demo: RelyingParty, browser: Browser) -> None:
    page = as_page(browser.open(demo.authorization_url(response_mode="form_post", response_type=None)))
    answer = as_answer(browser.submit(page, "continue"))
    assert (answer["error"], answer["state"], answer.query) == ("invalid_request", demo.state, {})


@pytest.mark.parametrize("mode", ["fragment", "web_message", "QUERY"])
def test_unsupported_response_mode_is_invalid_request(demo: RelyingParty, browser: Browser, mode: str) -> None:
    assert refused(demo, browser, response_mode=mode)["error"] == "invalid_request"


def test_code_has_at_least_128_random_bits(demo: RelyingParty, alice: Browser) -> None:
    codes = {demo.get_code(alice) for _ in range(5)}
    assert len(codes) == 5
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22,}", code) for code in codes)

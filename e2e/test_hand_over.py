"""Between authz and idp: several requests in one browser, who is expected, and whom an earlier consent serves."""

from urllib.parse import urlsplit

import httpx
import pytest

from e2e.browser import Browser, as_answer, as_page
from e2e.clients import CODE_ONLY, DEMO, PASSWORD, PUBLIC, USERNAME
from e2e.conftest import PartyOf
from e2e.stack import Stack

LOOPBACK = "http://127.0.0.1:51004/native/callback"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_two_requests_that_start_at_once_in_a_new_browser_are_both_answered(
    stack: Stack, browser: Browser, party_of: PartyOf, method: str
) -> None:
    parties = [party_of(DEMO), party_of(CODE_ONLY)]
    login_pages = []
    cookies = []
    for party in parties:  # none of them comes with the cookie that the other one gets, as a form of another site too
        url, parameters = f"{stack.authz}/oauth2/v1/authorize", party.authorization_request()
        sent = {"params": parameters} if method == "GET" else {"data": parameters}
        response = httpx.request(method, url, timeout=10, trust_env=False, **sent)
        assert response.status_code == httpx.codes.SEE_OTHER
        login_pages.append(response.headers["location"])
        cookies.append(response.cookies)
    for jar in cookies:
        browser.http.cookies.update(jar)
    for party, login_page in zip(parties, login_pages, strict=True):
        answer = browser.authorize(login_page, USERNAME, PASSWORD)
        assert party.redeem(answer["code"]).status_code == httpx.codes.OK


def test_an_id_token_hint_of_the_user_who_is_logged_in_is_met_silently(browser: Browser, party_of: PartyOf) -> None:
    party = party_of(DEMO)
    id_token = party.get_tokens(browser)["id_token"]
    answer = as_answer(browser.open(party.authorization_url(prompt="none", id_token_hint=id_token)))
    assert "code" in answer


@pytest.mark.parametrize("hint", ["nonsense", "another client's", "access token"])
def test_a_hint_that_names_nobody_lets_nobody_through_silently(browser: Browser, party_of: PartyOf, hint: str) -> None:
    party, other = party_of(DEMO), party_of(CODE_ONLY)
    tokens = party.get_tokens(browser)
    hints = {
        "nonsense": "nonsense",
        "another client's": other.get_tokens(browser)["id_token"],
        "access token": tokens["access_token"],
    }
    answer = as_answer(browser.open(party.authorization_url(prompt="none", id_token_hint=hints[hint])))
    assert answer["error"] == "login_required"
    assert "code" in as_answer(browser.open(party.authorization_url(id_token_hint=hints[hint])))


def test_whoever_could_pose_as_a_native_client_gets_nothing_from_an_earlier_consent(
    browser: Browser, party_of: PartyOf
) -> None:
    party = party_of(PUBLIC)
    party.get_code(browser, redirect_uri=LOOPBACK)
    silent = as_answer(browser.open(party.authorization_url(redirect_uri=LOOPBACK, prompt="none")))
    assert silent["error"] == "consent_required"
    assert as_page(browser.open(party.authorization_url(redirect_uri=LOOPBACK))).has("allow")


@pytest.mark.parametrize("name", ["login_hint", "ui_locales", "nonce", "state"])
def test_a_parameter_that_is_too_long_is_told_to_the_client(browser: Browser, party_of: PartyOf, name: str) -> None:
    answer = as_answer(browser.open(party_of(DEMO).authorization_url(**{name: "a" * 3000})))
    assert answer["error"] == "invalid_request"
    assert urlsplit(answer.url).path == "/callback"

"""Login as a client sees it (OpenID Connect Core §3.1.2): prompt, max_age, id_token_hint, and the login page."""

import time
from typing import Any

import pytest

from e2e.browser import Answer, Browser, Page, as_answer, as_page
from e2e.clients import EVERY_SCOPE, NEVER_ALLOWED, PASSWORD, USERNAME
from e2e.conftest import NewBrowser, PartyOf
from e2e.relying_party import RelyingParty


def id_token_of(party: RelyingParty, answer: Page | Answer) -> dict[str, Any]:
    """The claims of the ID token that comes of an answer."""
    tokens = party.redeem(as_answer(answer)["code"]).json()
    return party.verify(tokens["id_token"], "RS256")[1]


def next_second() -> None:
    """Wait until the clock shows another second: auth_time counts whole ones."""
    started = int(time.time())
    while int(time.time()) == started:
        time.sleep(0.02)


def test_prompt_none_without_a_session_is_login_required(demo: RelyingParty, browser: Browser) -> None:
    answer = as_answer(browser.open(demo.authorization_url(prompt="none")))
    assert set(answer.parameters) == {"error", "error_description", "state", "iss"}
    assert (answer["error"], answer["state"]) == ("login_required", demo.state)


def test_prompt_none_without_consent_is_consent_required(party_of: PartyOf, alice: Browser) -> None:
    answer = as_answer(alice.open(party_of(NEVER_ALLOWED).authorization_url(prompt="none")))
    assert answer["error"] == "consent_required"


def test_prompt_none_with_a_session_is_silent_and_keeps_sub_and_auth_time(demo: RelyingParty, browser: Browser) -> None:
    first = id_token_of(demo, demo.get_answer(browser))
    next_second()
    silent = id_token_of(demo, browser.open(demo.authorization_url(prompt="none")))
    assert (silent["sub"], silent["auth_time"], silent["sid"]) == (first["sub"], first["auth_time"], first["sid"])


@pytest.mark.parametrize("prompt", ["none login", "none consent", "sometimes", "login sometimes"])
def test_prompt_that_makes_no_sense_is_invalid_request(demo: RelyingParty, alice: Browser, prompt: str) -> None:
    assert as_answer(alice.open(demo.authorization_url(prompt=prompt)))["error"] == "invalid_request"


@pytest.mark.parametrize("prompt", ["login", "login consent"])
def test_prompt_login_makes_the_user_log_in_again_with_a_later_auth_time(
    demo: RelyingParty, browser: Browser, prompt: str
) -> None:
    first = id_token_of(demo, demo.get_answer(browser))
    next_second()
    page = browser.show(demo.authorization_url(prompt=prompt))
    assert page.has("login")
    found = browser.log_in(page, USERNAME, PASSWORD)
    again = id_token_of(demo, browser.submit(found, "allow") if isinstance(found, Page) else found)
    assert again["sub"] == first["sub"]
    assert again["auth_time"] > first["auth_time"]


def test_exceeded_max_age_makes_the_user_log_in_again_with_a_later_auth_time(
    demo: RelyingParty, browser: Browser
) -> None:
    first = id_token_of(demo, demo.get_answer(browser))
    next_second()
    next_second()
    page = browser.show(demo.authorization_url(max_age="1"))
    again = id_token_of(demo, browser.log_in(page, USERNAME, PASSWORD))
    assert again["auth_time"] > first["auth_time"]


def test_max_age_that_is_not_exceeded_is_silent_and_puts_auth_time_into_the_id_token(
    demo: RelyingParty, browser: Browser
) -> None:
    first = id_token_of(demo, demo.get_answer(browser))
    again = id_token_of(demo, browser.open(demo.authorization_url(max_age="600")))
    assert again["auth_time"] == first["auth_time"]


def test_max_age_of_zero_is_a_login_each_time(demo: RelyingParty, browser: Browser) -> None:
    demo.get_answer(browser)
    assert as_page(browser.open(demo.authorization_url(max_age="0"))).has("login")


def test_exceeded_max_age_under_prompt_none_is_login_required(demo: RelyingParty, browser: Browser) -> None:
    demo.get_answer(browser)
    next_second()
    next_second()
    answer = as_answer(browser.open(demo.authorization_url(max_age="1", prompt="none")))
    assert answer["error"] == "login_required"


@pytest.mark.parametrize("max_age", ["-1", "soon", "1.5", "99999999999999999999", "\u0661"])
def test_max_age_that_is_no_number_of_seconds_is_invalid_request(
    demo: RelyingParty, alice: Browser, max_age: str
) -> None:
    assert as_answer(alice.open(demo.authorization_url(max_age=max_age)))["error"] == "invalid_request"


def test_id_token_hint_of_the_same_user_is_silent(demo: RelyingParty, browser: Browser) -> None:
    tokens = demo.get_tokens(browser)
    again = as_answer(browser.open(demo.authorization_url(prompt="none", id_token_hint=tokens["id_token"])))
    assert "code" in again


def test_second_login_of_the_same_browser_keeps_the_session_and_changes_its_cookie(
    demo: RelyingParty, browser: Browser
) -> None:
    first = id_token_of(demo, demo.get_answer(browser))
    cookie = browser.http.cookies["tessera_session"]
    page = browser.show(demo.authorization_url(prompt="login"))
    again = id_token_of(demo, browser.log_in(page, USERNAME, PASSWORD))
    assert again["sid"] == first["sid"]
    assert browser.http.cookies["tessera_session"] != cookie


def test_cookie_from_before_a_login_is_worth_nothing_afterwards(
    demo: RelyingParty, browser: Browser, new_browser: NewBrowser
) -> None:
    demo.get_answer(browser)
    thief = new_browser()
    thief.http.cookies.update(browser.http.cookies)
    browser.log_in(browser.show(demo.authorization_url(prompt="login")), USERNAME, PASSWORD)
    assert as_answer(thief.open(demo.authorization_url(prompt="none")))["error"] == "login_required"


@pytest.mark.parametrize(
    ("username", "password"),
    [(USERNAME, "wrong"), ("nobody", PASSWORD), (USERNAME, ""), ("", ""), (USERNAME, "x" * 8000)],
)
def test_wrong_password_and_unknown_user_get_the_same_page(
    demo: RelyingParty, browser: Browser, username: str, password: str
) -> None:
    again = as_page(browser.log_in(browser.show(demo.authorization_url()), username, password))
    assert again.status == 403
    assert again.texts["problem"] == "That username and password do not belong together. Check both and try again."
    assert again.form("login").fields["username"] == username
    assert password not in again.response.text or password in ("", PASSWORD)
    assert "tessera_session" not in browser.http.cookies


def test_wrong_password_does_not_end_the_request(demo: RelyingParty, browser: Browser) -> None:
    again = as_page(browser.log_in(browser.show(demo.authorization_url()), USERNAME, "wrong"))
    found = browser.log_in(again, USERNAME, PASSWORD)
    answer = browser.submit(found, "allow") if isinstance(found, Page) else found
    assert id_token_of(demo, answer)["amr"] == ["pwd"]


@pytest.mark.parametrize("csrf", ["", "guessed", "A" * 43])
def test_login_form_without_the_pages_token_logs_nobody_in(demo: RelyingParty, browser: Browser, csrf: str) -> None:
    page = browser.show(demo.authorization_url())
    again = as_page(browser.submit(page, "login", username=USERNAME, password=PASSWORD, csrf=csrf))
    assert (again.status, again.has("login")) == (403, True)
    assert "tessera_session" not in browser.http.cookies


def test_login_form_of_another_browser_logs_nobody_in(
    demo: RelyingParty, browser: Browser, new_browser: NewBrowser
) -> None:
    attackers = new_browser().show(demo.authorization_url())
    browser.show(demo.authorization_url())
    again = as_page(browser.log_in(attackers, USERNAME, PASSWORD))
    assert again.status == 403
    assert "tessera_session" not in browser.http.cookies


def test_way_to_log_in_that_is_not_there_is_a_bad_request(demo: RelyingParty, browser: Browser) -> None:
    page = browser.show(demo.authorization_url())
    refused = as_page(browser.submit(page, "login", username=USERNAME, password=PASSWORD, method="fingerprint"))
    assert (refused.status, refused.texts["error"]) == (400, "invalid_request")


def test_username_is_the_same_in_capitals(demo: RelyingParty, browser: Browser, alice: Browser) -> None:
    found = id_token_of(demo, browser.authorize(demo.authorization_url(), "ALICE", PASSWORD))
    assert found["sub"] == id_token_of(demo, demo.get_answer(alice))["sub"]


def test_login_hint_is_filled_in(demo: RelyingParty, browser: Browser) -> None:
    page = browser.show(demo.authorization_url(login_hint='al"ice<'))
    assert page.form("login").fields["username"] == 'al"ice<'


def test_cancel_at_the_login_page_is_access_denied(demo: RelyingParty, browser: Browser) -> None:
    answer = as_answer(browser.submit(browser.show(demo.authorization_url()), "deny"))
    assert set(answer.parameters) == {"error", "error_description", "state", "iss"}
    assert answer["error"] == "access_denied"


def test_login_page_shows_the_client(party_of: PartyOf, browser: Browser) -> None:
    page = browser.show(party_of(EVERY_SCOPE).authorization_url())
    assert page.texts["client"].strip().endswith("Tea & <i>Biscuits</i>")
    assert (page.links["policy"], page.links["tos"]) == ("https://tea.example/policy", "https://tea.example/terms")
    assert 'src="https://tea.example/logo.png"' in page.response.text
    policy = page.response.headers["content-security-policy"]
    assert "img-src 'self' https://tea.example" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.response.headers["cache-control"] == "no-store"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(demo: RelyingParty, browser: Browser) -> None:
    demo.get_answer(browser)
    cookies = [value for response in browser.visited for value in response.headers.get_list("set-cookie")]
    assert cookies
    for cookie in cookies:
        assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}

"""OpenID Connect's authentication request (Core §3.1.2.1): display, languages, ages, accounts, and who is expected."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from e2e.browser import Browser, Page, as_answer, as_page
from e2e.clients import IMPATIENT, PASSWORD, USERNAME
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty, unverified
from e2e.stack import Control
from e2e.test_login import id_token_of, next_second

OTHER_PASSWORD = "of another person entirely"


@pytest.fixture
def other_user(control: Control) -> str:
    """The name of a user who is not alice."""
    name = f"other-{secrets.token_hex(4)}"
    made = control.operate("idp", "users", "add", name, "--json", typed=f"{OTHER_PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["username"] == name
    return name


@pytest.fixture
def others_token(demo: RelyingParty, new_browser: Callable[[], Browser], other_user: str) -> str:
    """An ID token of that user."""
    answer = new_browser().authorize(demo.authorization_url(), other_user, OTHER_PASSWORD)
    return str(demo.redeem(answer["code"]).json()["id_token"])


def silently(party: RelyingParty, browser: Browser, **changes: str) -> dict[str, Any]:
    """What a request under prompt=none brings."""
    return dict(as_answer(browser.open(party.authorization_url(prompt="none", **changes))).parameters)


@pytest.mark.parametrize("display", ["page", "popup", "touch", "wap"])
def test_every_display_is_accepted(demo: RelyingParty, alice: Browser, display: str) -> None:
    demo.get_answer(alice)
    assert "code" in silently(demo, alice, display=display)
    document = demo.http.get(f"{demo.stack.authz}/.well-known/openid-configuration").json()
    assert display in document["display_values_supported"]


def test_unknown_display_is_invalid_request(demo: RelyingParty, alice: Browser) -> None:
    assert silently(demo, alice, display="hologram")["error"] == "invalid_request"


@pytest.mark.parametrize("locales", ["de", "de-CH-1996 fr", "xx-unheard", "en_US", "%%% <b>", ""])
def test_wishes_for_languages_never_refuse(demo: RelyingParty, alice: Browser, locales: str) -> None:
    demo.get_answer(alice)
    assert "code" in silently(demo, alice, ui_locales=locales, claims_locales=locales)


@pytest.mark.parametrize("name", ["claims_locales", "acr_values"])
def test_wish_that_is_too_long_is_told_to_the_client(demo: RelyingParty, alice: Browser, name: str) -> None:
    assert silently(demo, alice, **{name: "a" * 3000})["error"] == "invalid_request"


def test_nonce_comes_back_in_the_id_token_and_nowhere_else(demo: RelyingParty, alice: Browser) -> None:
    answer = demo.get_answer(alice, nonce="n-0S6_WzA2Mj")
    assert "nonce" not in answer
    tokens = demo.redeem(answer["code"]).json()
    assert demo.verify(tokens["id_token"], "RS256")[1]["nonce"] == "n-0S6_WzA2Mj"
    assert "nonce" not in demo.verify(tokens["access_token"], "ES256")[1]


def test_id_token_has_one_audience_and_so_no_azp(demo: RelyingParty, alice: Browser) -> None:
    claims = demo.verify(demo.get_tokens(alice)["id_token"], "RS256")[1]
    assert claims["aud"] == demo.client.client_id
    assert "azp" not in claims  # §2: needed with several audiences only


def test_select_account_lets_the_user_stay_without_a_new_login(demo: RelyingParty, browser: Browser) -> None:
    first = id_token_of(demo, demo.get_answer(browser))
    page = as_page(browser.open(demo.authorization_url(prompt="select_account")))
    assert page.texts["user"] == "Alice Liddell"
    again = id_token_of(demo, browser.follow(page, "this-account"))
    assert (again["sub"], again["sid"], again["auth_time"]) == (first["sub"], first["sid"], first["auth_time"])


def test_select_account_lets_the_user_take_another_account(
    demo: RelyingParty, browser: Browser, other_user: str
) -> None:
    first = id_token_of(demo, demo.get_answer(browser))
    page = as_page(browser.open(demo.authorization_url(prompt="select_account")))
    login = as_page(browser.follow(page, "another-account"))
    assert login.form("login").fields["username"] != USERNAME
    found = browser.log_in(login, other_user, OTHER_PASSWORD)
    other = id_token_of(demo, browser.submit(found, "allow") if isinstance(found, Page) else found)
    assert other["sub"] != first["sub"]


def test_select_account_with_login_asks_for_both(demo: RelyingParty, browser: Browser) -> None:
    first = id_token_of(demo, demo.get_answer(browser))
    next_second()
    page = as_page(browser.open(demo.authorization_url(prompt="select_account login")))
    if "this-account" in page.links:
        page = as_page(browser.follow(page, "this-account"))
    assert id_token_of(demo, browser.log_in(page, USERNAME, PASSWORD))["auth_time"] > first["auth_time"]


def test_max_age_of_a_client_counts_for_requests_without_one(party_of: PartyOf, browser: Browser) -> None:
    party = party_of(IMPATIENT)
    first = id_token_of(party, party.get_answer(browser))
    assert abs(first["auth_time"] - time.time()) < 60
    next_second()
    next_second()
    assert silently(party, browser)["error"] == "login_required"
    again = id_token_of(party, browser.open(party.authorization_url(prompt="none", max_age="600")))
    assert again["auth_time"] == first["auth_time"]
    page = browser.show(party.authorization_url())
    later = id_token_of(party, browser.log_in(page, USERNAME, PASSWORD))
    assert later["auth_time"] > first["auth_time"]


def test_account_page_leads_to_where_a_client_begins_a_login(party_of: PartyOf, browser: Browser) -> None:
    party = party_of(IMPATIENT)
    party.get_answer(browser)
    page = browser.show(f"{party.stack.idp}/account/applications")
    (link,) = [link for name, link in page.links.items() if name.startswith("open-")]
    assert link == f"https://impatient.example/start?{urlencode({'from': 'account', 'iss': party.stack.issuer})}"
    # the client finds the issuer by what it is told (OpenID Connect Core §4), and asks there
    issuer = parse_qs(urlsplit(link).query)["iss"][0]
    document = party.http.get(f"{issuer}/.well-known/openid-configuration").json()
    request = party.authorization_request(prompt="none", max_age="600")
    answer = as_answer(browser.open(f"{document['authorization_endpoint']}?{urlencode(request)}"))
    assert party.redeem(answer["code"]).status_code == 200


def test_hint_of_another_user_is_login_required_under_prompt_none(
    demo: RelyingParty, browser: Browser, others_token: str
) -> None:
    demo.get_answer(browser)
    assert silently(demo, browser, id_token_hint=others_token)["error"] == "login_required"


def test_hint_of_another_user_leads_to_a_login_of_that_user(
    demo: RelyingParty, browser: Browser, others_token: str, other_user: str
) -> None:
    demo.get_answer(browser)
    page = browser.show(demo.authorization_url(id_token_hint=others_token))
    assert page.has("login")
    assert page.form("login").fields["username"] != USERNAME
    claims = id_token_of(demo, browser.log_in(page, other_user, OTHER_PASSWORD))
    assert claims["sub"] == demo.verify(others_token, "RS256")[1]["sub"]


def test_login_of_somebody_else_than_the_hint_names_is_refused(
    demo: RelyingParty, browser: Browser, others_token: str
) -> None:
    page = browser.show(demo.authorization_url(id_token_hint=others_token))
    answer = as_answer(browser.log_in(page, USERNAME, PASSWORD))
    assert answer["error"] == "login_required"


def test_expired_hint_counts_as_any_other(demo: RelyingParty, browser: Browser, control: Control) -> None:
    code = demo.get_code(browser)
    with control.authz_replica({"TESSERA_AUTHZ_LIFETIMES__ID_TOKEN_SECONDS": "1"}) as replica:
        form = {"code": code, "redirect_uri": demo.client.redirect_uri, "code_verifier": demo.pkce.verifier}
        tokens = demo.post("/oauth2/v1/token", base=replica, grant_type="authorization_code", **form).json()
    expires_at = json.loads(unverified(tokens["id_token"])[1])["exp"]
    while time.time() <= expires_at:
        time.sleep(0.05)
    assert "code" in silently(demo, browser, id_token_hint=tokens["id_token"])

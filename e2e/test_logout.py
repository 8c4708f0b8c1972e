"""Logout (OpenID Connect RP-Initiated Logout 1.0)."""

from typing import Any
from urllib.parse import urljoin

import pytest

from e2e.browser import Browser, Page, as_answer, as_page
from e2e.clients import AFTER_LOGOUT, DEMO, EVERY_SCOPE
from e2e.conftest import NewBrowser, PartyOf
from e2e.relying_party import RelyingParty, error_of


@pytest.fixture
def tokens(demo: RelyingParty, browser: Browser) -> dict[str, Any]:
    """What came of a login in `browser`."""
    return demo.get_tokens(browser)


def logout_url(party: RelyingParty, **parameters: str) -> str:
    """The end of the session, asked for by the client."""
    return str(party.http.build_request("GET", f"{party.stack.idp}/oidc/v1/logout", params=parameters).url)


def is_logged_in(party: RelyingParty, browser: Browser) -> bool:
    """Whether a silent authorization request is answered with a code."""
    answer = as_answer(browser.open(party.authorization_url(prompt="none")))
    assert "code" in answer or answer["error"] == "login_required"
    return "code" in answer


def test_logout_with_a_hint_and_a_registered_uri_goes_back_to_the_client(
    demo: RelyingParty, browser: Browser, tokens: dict[str, Any]
) -> None:
    url = logout_url(demo, id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER_LOGOUT, state="a b&c=ä")
    answer = as_answer(browser.open(url))
    assert answer.url.startswith(f"{AFTER_LOGOUT}?")
    assert dict(answer.parameters) == {"state": "a b&c=ä"}
    assert not is_logged_in(demo, browser)


def test_logout_revokes_what_was_granted_in_the_session(
    demo: RelyingParty, browser: Browser, tokens: dict[str, Any]
) -> None:
    as_page(browser.open(logout_url(demo, id_token_hint=tokens["id_token"])))
    assert error_of(demo.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert demo.introspect(tokens["access_token"]).json() == {"active": False}
    assert demo.userinfo(tokens["access_token"]).status_code == 401
    assert demo.resource(tokens["access_token"]).status_code == 401


def test_nothing_is_granted_any_more_by_what_was_under_way_at_the_logout(
    demo: RelyingParty, browser: Browser, tokens: dict[str, Any]
) -> None:
    held = demo.authorization_url(prompt="none")
    while "/authorize/resume?" not in held:  # the idp's answer, kept for later by somebody who has the session's cookie
        held = urljoin(held, browser.http.get(held).headers["location"])
    as_page(browser.open(logout_url(demo, id_token_hint=tokens["id_token"])))
    assert as_answer(browser.open(held))["error"] == "login_required"


def test_logout_leaves_the_sessions_of_other_browsers(
    demo: RelyingParty, browser: Browser, new_browser: NewBrowser, tokens: dict[str, Any]
) -> None:
    other = new_browser()
    others = demo.get_tokens(other)
    browser.open(logout_url(demo, id_token_hint=tokens["id_token"]))
    assert is_logged_in(demo, other)
    assert demo.resource(others["access_token"]).status_code == 200


def test_logout_by_post_is_served_as_by_get(demo: RelyingParty, browser: Browser, tokens: dict[str, Any]) -> None:
    form = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": AFTER_LOGOUT}
    response = browser.http.post(f"{demo.stack.idp}/oidc/v1/logout", data=form)
    assert (response.status_code, response.headers["location"]) == (303, AFTER_LOGOUT)
    assert not is_logged_in(demo, browser)


@pytest.mark.parametrize(
    "uri",
    [
        f"{AFTER_LOGOUT}?x=1",
        "http://localhost:3000",
        "https://evil.example/",
        "javascript:alert(1)",
        f"{AFTER_LOGOUT}#x",
    ],
)
def test_uri_that_is_not_registered_exactly_gets_no_redirect(
    demo: RelyingParty, browser: Browser, tokens: dict[str, Any], uri: str
) -> None:
    page = as_page(browser.open(logout_url(demo, id_token_hint=tokens["id_token"], post_logout_redirect_uri=uri)))
    assert page.status < 500
    assert "evil" not in page.response.headers.get("content-security-policy", "")


def test_registered_uri_without_a_hint_gets_no_redirect(
    demo: RelyingParty, browser: Browser, tokens: dict[str, Any]
) -> None:
    del tokens
    url = logout_url(demo, post_logout_redirect_uri=AFTER_LOGOUT, client_id=DEMO.client_id)
    confirm = as_page(browser.open(url))
    assert confirm.has("logout")
    assert as_page(browser.submit(confirm, "logout")).texts["title"] == "You are logged out"


def test_hint_that_is_not_valid_gets_a_question_and_no_redirect(
    demo: RelyingParty, browser: Browser, tokens: dict[str, Any]
) -> None:
    head, payload, _ = tokens["id_token"].split(".")
    for hint in ("x", f"{head}.{payload}.AAAA", tokens["access_token"], f"eyJhbGciOiJub25lIn0.{payload}."):
        url = logout_url(demo, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT)
        assert as_page(browser.open(url)).has("logout"), hint
    assert is_logged_in(demo, browser)


def test_client_id_that_is_not_the_hints_audience_gets_no_redirect(
    demo: RelyingParty, party_of: PartyOf, browser: Browser, tokens: dict[str, Any]
) -> None:
    party_of(EVERY_SCOPE)
    url = logout_url(
        demo,
        id_token_hint=tokens["id_token"],
        client_id=EVERY_SCOPE.client_id,
        post_logout_redirect_uri=AFTER_LOGOUT,
    )
    assert as_page(browser.open(url)).has("logout")


def test_another_clients_uri_gets_no_redirect(
    demo: RelyingParty, party_of: PartyOf, browser: Browser, tokens: dict[str, Any]
) -> None:
    party_of(EVERY_SCOPE)
    uri = f"{AFTER_LOGOUT}bye?from=tea"
    as_page(browser.open(logout_url(demo, id_token_hint=tokens["id_token"], post_logout_redirect_uri=uri)))


def test_registered_query_is_kept_beside_the_state(party_of: PartyOf, browser: Browser) -> None:
    party = party_of(EVERY_SCOPE)
    hint = party.get_tokens(browser)["id_token"]
    uri = f"{AFTER_LOGOUT}bye?from=tea"
    answer = as_answer(browser.open(logout_url(party, id_token_hint=hint, post_logout_redirect_uri=uri, state="s")))
    assert answer.url == f"{uri}&state=s"


def test_without_parameters_the_user_is_asked_logged_out_and_told(
    demo: RelyingParty, browser: Browser, tokens: dict[str, Any]
) -> None:
    confirm = as_page(browser.open(logout_url(demo)))
    assert (confirm.has("logout"), confirm.texts["user"]) == (True, "Alice Liddell")
    assert is_logged_in(demo, browser)
    done = as_page(browser.submit(confirm, "logout"))
    assert done.texts["title"] == "You are logged out"
    assert not is_logged_in(demo, browser)
    assert demo.resource(tokens["access_token"]).status_code == 401


def test_user_may_stay(demo: RelyingParty, browser: Browser, tokens: dict[str, Any]) -> None:
    del tokens
    confirm = as_page(browser.open(logout_url(demo)))
    assert as_page(browser.submit(confirm, "stay")).status == 200
    assert is_logged_in(demo, browser)


def test_hint_of_another_session_asks_the_user(
    demo: RelyingParty, browser: Browser, new_browser: NewBrowser, tokens: dict[str, Any]
) -> None:
    del tokens
    foreign = demo.get_tokens(new_browser())["id_token"]
    assert as_page(browser.open(logout_url(demo, id_token_hint=foreign))).has("logout")
    assert is_logged_in(demo, browser)


def test_confirmation_without_the_pages_token_logs_nobody_out(
    demo: RelyingParty, browser: Browser, tokens: dict[str, Any]
) -> None:
    del tokens
    for csrf in (None, "", "guessed"):
        form = {"action": "logout", **({} if csrf is None else {"csrf": csrf})}
        response = browser.http.post(f"{demo.stack.idp}/oidc/v1/logout", data=form)
        assert response.status_code == 403
    assert is_logged_in(demo, browser)


def test_confirmation_from_another_site_logs_nobody_out(
    demo: RelyingParty, browser: Browser, tokens: dict[str, Any]
) -> None:
    del tokens
    confirm = as_page(browser.open(logout_url(demo)))
    form = {**confirm.form("logout").fields, "action": "logout"}
    headers = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    response = browser.http.post(f"{demo.stack.idp}/oidc/v1/logout", data=form, headers=headers)
    assert response.status_code == 403
    assert is_logged_in(demo, browser)


def test_logout_without_a_session_is_a_page(demo: RelyingParty, browser: Browser) -> None:
    found = browser.open(logout_url(demo))
    assert isinstance(found, Page)
    assert found.status == 200


def test_stolen_session_cookie_is_worth_nothing_after_the_logout(
    demo: RelyingParty, browser: Browser, new_browser: NewBrowser, tokens: dict[str, Any]
) -> None:
    thief = new_browser()
    thief.http.cookies.update(browser.http.cookies)
    browser.open(logout_url(demo, id_token_hint=tokens["id_token"]))
    assert not is_logged_in(demo, thief)

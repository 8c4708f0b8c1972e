"""Consent, and the way between authz and idp: nothing but a POST by the user who saw the page can approve."""

import html
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from e2e.browser import Browser, Page, as_answer, as_page
from e2e.clients import EVERY_SCOPE, PASSWORD, USERNAME
from e2e.conftest import NewBrowser, PartyOf
from e2e.relying_party import RelyingParty


@pytest.fixture
def consent(demo: RelyingParty, alice: Browser) -> Page:
    """The consent page, shown to alice."""
    return alice.show(demo.authorization_url(prompt="consent"))


def post(browser: Browser, page: Page, headers: dict[str, str] | None = None, **changes: str | None) -> httpx.Response:
    """Send the consent page's form with other fields; None leaves one out."""
    fields: dict[str, str | None] = {**page.form("allow").fields, "action": "allow", **changes}
    data = {name: value for name, value in fields.items() if value is not None}
    return browser.http.post(f"{httpx.URL(page.url).copy_with(query=None)}", data=data, headers=headers)


def test_prompt_consent_always_asks(consent: Page, demo: RelyingParty, alice: Browser) -> None:
    assert "code" in as_answer(alice.submit(consent, "allow"))
    assert as_page(alice.open(demo.authorization_url(prompt="consent"))).has("allow")


def test_consent_is_remembered_for_the_same_scope_or_less(demo: RelyingParty, alice: Browser) -> None:
    as_answer(alice.submit(alice.show(demo.authorization_url(prompt="consent")), "allow"))
    assert "code" in as_answer(alice.open(demo.authorization_url(scope="openid email")))


def test_offline_access_needs_consent(party_of: PartyOf, alice: Browser) -> None:
    party = party_of(EVERY_SCOPE)
    party.get_answer(alice)
    without = party.get_tokens(alice, scope="openid offline_access")
    assert "offline_access" not in without["scope"].split()
    asked = as_page(alice.open(party.authorization_url(scope="openid offline_access", prompt="consent")))
    answer = as_answer(alice.submit(asked, "allow"))
    assert "offline_access" in party.redeem(answer["code"]).json()["scope"].split()


def test_consent_page_shows_client_user_and_what_is_asked(party_of: PartyOf, alice: Browser) -> None:
    page = alice.show(party_of(EVERY_SCOPE).authorization_url(prompt="consent", scope="openid email phone"))
    assert "Allow Tea & <i>Biscuits</i> to use your account?" in html.unescape(page.response.text)
    assert page.texts["user"] == "Alice Liddell"
    scopes = page.texts["scopes"]
    assert "email address" in scopes
    assert "phone number" in scopes
    assert "postal address" not in scopes
    assert (page.links["policy"], page.links["tos"]) == ("https://tea.example/policy", "https://tea.example/terms")
    assert 'src="https://tea.example/logo.png"' in page.response.text
    assert page.response.headers["x-frame-options"] == "DENY"


def test_deny_is_access_denied(consent: Page, demo: RelyingParty, alice: Browser) -> None:
    answer = as_answer(alice.submit(consent, "deny"))
    assert set(answer.parameters) == {"error", "error_description", "state", "iss"}
    assert (answer["error"], answer["state"]) == ("access_denied", demo.state)


def test_address_with_the_decision_in_it_approves_nothing(consent: Page, alice: Browser) -> None:
    fields = {**consent.form("allow").fields, "action": "allow"}
    shown = as_page(alice.open(f"{consent.url}&{httpx.QueryParams({k: v for k, v in fields.items() if k != 'ask'})}"))
    assert shown.has("allow")


@pytest.mark.parametrize("csrf", [None, "", "guessed", "A" * 43])
def test_form_without_the_pages_token_approves_nothing(consent: Page, alice: Browser, csrf: str | None) -> None:
    response = post(alice, consent, csrf=csrf)
    assert response.status_code == 403
    assert "location" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:3000"},
    ],
)
def test_form_from_another_site_approves_nothing(consent: Page, alice: Browser, headers: dict[str, str]) -> None:
    response = post(alice, consent, headers)
    assert response.status_code == 403
    assert "location" not in response.headers


def test_form_in_another_browser_approves_nothing(consent: Page, demo: RelyingParty, new_browser: NewBrowser) -> None:
    other = new_browser()
    demo.get_answer(other)  # alice is logged in there as well
    response = post(other, consent)
    assert response.status_code in (303, 403)
    assert "code" not in at_the_end(other, response)


def test_form_without_a_session_approves_nothing(consent: Page, new_browser: NewBrowser) -> None:
    stranger = new_browser()
    response = post(stranger, consent)
    assert response.status_code in (303, 403)
    assert "code" not in at_the_end(stranger, response)


def at_the_end(browser: Browser, response: httpx.Response) -> set[str]:
    """The parameters that the client gets, if it gets any."""
    if "location" not in response.headers:
        return set()
    found = browser.open(response.headers["location"])
    return set() if isinstance(found, Page) else set(found.parameters)


def test_form_without_a_decision_is_a_bad_request(consent: Page, alice: Browser) -> None:
    for action in (None, "perhaps"):
        assert post(alice, consent, action=action).status_code == 400


def test_changed_ask_is_refused(consent: Page, alice: Browser) -> None:
    ask = consent.form("allow").fields["ask"]
    changed = ask[:-6] + ("A" if ask[-6] != "A" else "B") + ask[-5:]
    assert post(alice, consent, ask=changed).status_code == 400
    assert as_page(alice.open(consent.url.replace(ask, changed))).status == 400


def test_ask_for_login_opens_no_consent_page(demo: RelyingParty, browser: Browser) -> None:
    login = browser.show(demo.authorization_url())
    page = as_page(browser.open(login.url.replace("/oidc/v1/login", "/oidc/v1/consent")))
    assert (page.status, page.texts["error"]) == (400, "invalid_request")


def test_pages_opened_without_an_ask_explain_themselves(demo: RelyingParty, browser: Browser) -> None:
    for path in ("login", "consent"):
        page = as_page(browser.open(f"{demo.stack.idp}/oidc/v1/{path}"))
        assert (page.status, page.texts["error"]) == (400, "invalid_request")


def resume_url(browser: Browser, page: Page, button: str, **values: str) -> str:
    """Where the identity provider sends the browser after a form, not opened yet."""
    fields = {**page.form(button).fields, **values, "action": button}
    response = browser.http.post(f"{httpx.URL(page.url).copy_with(query=None)}", data=fields)
    assert response.status_code == 303, response.text
    return str(response.headers["location"])


def test_answer_of_the_identity_provider_is_bound_to_the_browser_that_started(
    demo: RelyingParty, browser: Browser, new_browser: NewBrowser
) -> None:
    login = browser.show(demo.authorization_url())
    url = resume_url(browser, login, "login", username=USERNAME, password=PASSWORD)
    for stranger in (new_browser(), as_if_it_had_started_another(demo, new_browser())):
        page = as_page(stranger.open(url))
        assert (page.status, page.texts["error"]) == (400, "invalid_request")
    found = browser.open(url)  # the right browser still can
    assert isinstance(found, Page) or "code" in found


def as_if_it_had_started_another(demo: RelyingParty, browser: Browser) -> Browser:
    """A browser with a request of its own."""
    browser.show(demo.authorization_url())
    return browser


def test_answer_of_the_identity_provider_is_taken_once(demo: RelyingParty, alice: Browser) -> None:
    page = alice.show(demo.authorization_url(prompt="consent"))
    url = resume_url(alice, page, "allow")
    assert "code" in as_answer(alice.open(url))
    again = as_page(alice.open(url))
    assert (again.status, again.texts["error"]) == (400, "invalid_request")


def test_answer_that_the_identity_provider_did_not_make_is_refused(demo: RelyingParty, alice: Browser) -> None:
    page = alice.show(demo.authorization_url(prompt="consent"))
    sealed = parse_qs(urlsplit(page.url).query)["ask"][0]
    header = sealed.partition(".")[0]
    for answer in (None, "", "nonsense", sealed, f"{header}....", f"{header}.a.b.c.d", "e30.e30.e30.e30.e30"):
        query = "" if answer is None else f"?{httpx.QueryParams({'answer': answer})}"
        refused = as_page(alice.open(f"{demo.stack.authz}/oauth2/v1/authorize/resume{query}"))
        assert (refused.status, refused.texts["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("pressed", [True, False], ids=["button pressed", "page loaded again"])
def test_logout_while_the_consent_page_is_open_leads_to_the_login_page(
    demo: RelyingParty, browser: Browser, *, pressed: bool
) -> None:
    demo.get_answer(browser)
    page = browser.show(demo.authorization_url(prompt="consent"))
    confirm = browser.show(f"{demo.stack.idp}/oidc/v1/logout")
    browser.submit(confirm, "logout")
    login = as_page(browser.submit(page, "allow") if pressed else browser.open(page.url))
    assert login.has("login")
    consent = as_page(browser.log_in(login, USERNAME, PASSWORD))
    assert "code" in as_answer(browser.submit(consent, "allow"))


def test_second_tab_can_finish_after_the_first(demo: RelyingParty, browser: Browser) -> None:
    first = browser.show(demo.authorization_url(state="first"))
    second = browser.show(demo.authorization_url(state="second"))
    for page, state in ((second, "second"), (first, "first")):
        found = browser.log_in(page, USERNAME, PASSWORD)
        answer = as_answer(browser.submit(found, "allow") if isinstance(found, Page) else found)
        assert (answer["state"], "code" in answer) == (state, True)

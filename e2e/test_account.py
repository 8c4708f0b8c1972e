"""The users' account pages: sessions, applications, activity, in several languages, by keyboard, without JavaScript."""

import httpx
import pytest
from playwright.async_api import Page as ChromiumPage

from e2e.browser import Browser, Page, as_answer, as_page
from e2e.clients import EVERY_SCOPE, PASSWORD, USERNAME
from e2e.conftest import NewBrowser, PartyOf
from e2e.relying_party import RelyingParty, error_of
from e2e.stack import Stack
from e2e.tabs import OpenTab


@pytest.fixture
def account(browser: Browser, stack: Stack) -> Page:
    """The account's overview, by the login page."""
    return log_in(browser, stack)


def log_in(browser: Browser, stack: Stack) -> Page:
    """Enter the account by the login page, which leads back."""
    login = browser.show(f"{stack.idp}/account")
    assert login.has("login")
    return as_page(browser.log_in(login, USERNAME, PASSWORD))


def test_account_is_entered_by_a_login_and_left_by_a_button(browser: Browser, stack: Stack, account: Page) -> None:
    assert account.url == f"{stack.idp}/account"
    assert account.texts["user"] == "Alice Liddell"
    gone = as_page(browser.submit(account, "logout"))
    assert gone.texts["title"] == "You are logged out"
    assert browser.show(f"{stack.idp}/account").has("login")


def test_withdrawn_application_loses_every_token_at_once(party_of: PartyOf, browser: Browser, stack: Stack) -> None:
    party = party_of(EVERY_SCOPE)
    tokens = party.get_tokens(browser, scope=EVERY_SCOPE.scope, prompt="consent")
    assert party.resource(tokens["access_token"]).status_code == 200
    page = browser.show(f"{stack.idp}/account/applications")
    assert "See your postal address" in page.response.text
    done = as_page(withdraw(browser, page, EVERY_SCOPE.client_id))
    assert "can no longer use your account" in done.texts["notice"]
    assert party.resource(tokens["access_token"]).status_code == 401
    assert party.userinfo(tokens["access_token"]).status_code == 401
    assert not party.is_active(tokens["access_token"])
    assert not party.is_active(tokens["refresh_token"])
    assert error_of(party.refresh(tokens["refresh_token"])) == "invalid_grant"
    silent = as_answer(browser.open(party.authorization_url(prompt="none")))
    assert silent["error"] == "consent_required"


def withdraw(browser: Browser, page: Page, client_id: str) -> Page:
    """Press the button beside the application."""
    (form,) = [form for form in page.forms if form.fields.get("client_id") == client_id]
    (button,) = form.buttons
    return as_page(browser.submit(page, button))


def test_ended_session_is_over_in_the_other_browser(
    new_browser: NewBrowser, demo: RelyingParty, browser: Browser, stack: Stack
) -> None:
    other = new_browser()
    other.http.headers["user-agent"] = "Mozilla/5.0 (iPad; CPU OS 18_6) AppleWebKit/605.1 Version/18.6 Safari/604.1"
    tokens = demo.get_tokens(other)
    log_in(browser, stack)
    page = browser.show(f"{stack.idp}/account/sessions")
    assert "Safari on iPad" in page.response.text
    done = as_page(browser.submit(page, "end-others"))
    assert done.texts["notice"] == "All other sessions are ended."
    assert "this-session" in done.texts
    assert as_answer(other.open(demo.authorization_url(prompt="none")))["error"] == "login_required"
    assert demo.resource(tokens["access_token"]).status_code == 401
    assert as_page(browser.open(f"{stack.idp}/account")).texts["user"] == "Alice Liddell"


def test_activity_tells_where_from_and_with_what(browser: Browser, stack: Stack) -> None:
    browser.http.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    log_in(browser, stack)
    events = browser.show(f"{stack.idp}/account/activity").texts["events"]
    newest = events.split("You logged in")[1]
    assert "Firefox on Linux" in newest


def test_activity_goes_back_to_where_nothing_is_older_and_comes_again(browser: Browser, stack: Stack) -> None:
    log_in(browser, stack)
    oldest = browser.show(f"{stack.idp}/account/activity?before=2000-01-01T00:00:00Z")
    assert oldest.texts["none"] == "There is nothing older."
    assert "older" not in oldest.links
    assert "You logged in" in as_page(browser.follow(oldest, "newest")).texts["events"]
    refused = browser.show(f"{stack.idp}/account/activity?before=yesterday")
    assert (refused.status, refused.texts["error"]) == (400, "invalid_request")


def test_refused_login_can_go_on_in_another_language(demo: RelyingParty, browser: Browser) -> None:
    refused = as_page(browser.log_in(browser.show(demo.authorization_url()), USERNAME, "wrong"))
    german = as_page(browser.follow(refused, "language-de"))
    assert german.texts["login"] == "Anmelden"
    found = browser.log_in(german, USERNAME, PASSWORD)
    assert "code" in as_answer(browser.submit(found, "allow") if isinstance(found, Page) else found)


def test_address_of_an_account_page_is_kept_through_the_login(browser: Browser, stack: Stack) -> None:
    login = browser.show(f"{stack.idp}/account/sessions?done=ended")
    shown = as_page(browser.log_in(login, USERNAME, PASSWORD))
    assert shown.url == f"{stack.idp}/account/sessions?done=ended"


def test_client_s_ui_locales_choose_the_language_of_login_and_consent(demo: RelyingParty, browser: Browser) -> None:
    browser.http.headers["accept-language"] = "fr"
    login = browser.show(demo.authorization_url(ui_locales="xx de-AT", prompt="consent"))
    assert (login.response.headers["content-language"], login.texts["login"]) == ("de", "Anmelden")
    consent = as_page(browser.log_in(login, USERNAME, PASSWORD))
    assert (consent.response.headers["content-language"], consent.texts["allow"]) == ("de", "Erlauben")


def test_user_s_choice_of_a_language_lasts(demo: RelyingParty, browser: Browser, stack: Stack) -> None:
    login = browser.show(demo.authorization_url(ui_locales="de"))
    french = browser.show(str(httpx.URL(login.url).join(login.links["language-fr"])))
    assert french.texts["login"] == "Se connecter"
    again = browser.show(demo.authorization_url(ui_locales="de"))
    assert again.response.headers["content-language"] == "fr"
    error = browser.show(f"{stack.authz}/oauth2/v1/authorize?client_id=nobody")
    assert error.response.headers["content-language"] == "fr"


async def test_whole_way_works_without_javascript(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab(java_script_enabled=False)
    await shown.page.goto(demo.authorization_url(prompt="consent"))
    await shown.log_in(USERNAME, PASSWORD)
    await shown.page.click("#allow")
    await shown.answer()
    await shown.page.goto(f"{demo.stack.idp}/account")
    await shown.page.click("#menu-applications")
    assert await shown.page.locator("[data-client=demo-client]").count() == 1
    await shown.page.click("#menu-security")
    await shown.page.click("#language-de")
    assert await shown.page.inner_text("#menu-security") == "Sicherheit"
    await shown.page.click("#logout")
    assert "abgemeldet" in await shown.page.inner_text("#title")


async def test_account_can_be_used_by_keyboard_alone(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab()
    keyboard = shown.page.keyboard
    await shown.page.goto(f"{demo.stack.idp}/account")
    await keyboard.type(USERNAME)
    await keyboard.press("Tab")
    await keyboard.type(PASSWORD)
    await keyboard.press("Enter")
    await shown.page.wait_for_url(f"{demo.stack.idp}/account")
    await keyboard.press("Tab")
    assert await focused(shown.page) == "skip"
    assert await shown.page.locator("#skip").bounding_box() is not None
    await keyboard.press("Enter")
    await keyboard.press("Tab")
    assert await focused(shown.page) == "to-profile"
    reached = []
    while (name := await focused(shown.page)) != "language-fr":
        reached.append(name)
        await keyboard.press("Tab")
    assert [name for name in reached if name.startswith("to-")] == [
        *("to-profile", "to-security", "to-sessions", "to-applications", "to-activity")
    ]
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert await shown.page.evaluate(outline) == "solid"


async def focused(page: ChromiumPage) -> str:
    """The id of the element that has the focus."""
    return str(await page.evaluate("document.activeElement.id"))


async def test_nothing_moves_for_those_who_asked_for_that(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab(reduced_motion="reduce")
    await shown.page.goto(demo.authorization_url())
    assert await shown.page.evaluate("getComputedStyle(document.querySelector('#login')).transitionDuration") == "0s"
    moving = await open_tab()
    await moving.page.goto(demo.authorization_url())
    assert await moving.page.evaluate("getComputedStyle(document.querySelector('#login')).transitionDuration") != "0s"

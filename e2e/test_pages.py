"""Every page in light and dark, on a phone and on a desk: kept in artifacts/screenshots, WCAG 2.2 AA by axe-core."""

from urllib.parse import urlsplit

import httpx
import pytest

from e2e.chromium import Tab
from e2e.clients import EVERY_SCOPE, PASSWORD, USERNAME
from e2e.conftest import PartyOf
from e2e.looks import every_look
from e2e.people import Person, add_person
from e2e.relying_party import RelyingParty
from e2e.stack import Control, Stack
from e2e.tabs import OpenTab

pytestmark = pytest.mark.once


async def test_login_consent_logout_and_errors_look_good(
    party_of: PartyOf, demo: RelyingParty, open_tab: OpenTab
) -> None:
    shown = await open_tab()
    party = party_of(EVERY_SCOPE)
    await shown.page.goto(demo.authorization_url(prompt="login consent"))
    await every_look(shown, "login")
    await shown.log_in(USERNAME, "wrong")
    await every_look(shown, "login-refused")
    await shown.log_in(USERNAME, PASSWORD)
    await every_look(shown, "consent")
    await shown.page.click("#allow")
    await shown.answer()
    await shown.page.goto(party.authorization_url(prompt="consent", scope=EVERY_SCOPE.scope))
    await every_look(shown, "consent-every-scope")
    await shown.page.goto(party.authorization_url(prompt="login"))
    await every_look(shown, "login-with-logo")
    await shown.page.goto(demo.authorization_url(prompt="select_account"))
    await every_look(shown, "select-account")
    await shown.page.goto(f"{demo.stack.authz}/oauth2/v1/authorize?client_id=nobody")
    await every_look(shown, "error")
    await shown.page.goto(f"{demo.stack.idp}/oidc/v1/logout")
    await every_look(shown, "logout")
    await shown.page.click("#stay")
    await every_look(shown, "stayed")
    await shown.page.goto(f"{demo.stack.idp}/oidc/v1/logout")
    await shown.page.click("#logout")
    await every_look(shown, "logged-out")


@pytest.fixture
def person(control: Control) -> Person:
    """A new user, with a page of sessions and applications that is no longer than it is with most people."""
    return add_person(control, name="Alice Pleasance Liddell", given_name="Alice", zoneinfo="Europe/London")


async def test_every_page_of_the_account_looks_good(
    demo: RelyingParty, party_of: PartyOf, http: httpx.Client, open_tab: OpenTab, person: Person
) -> None:
    stack, shown = demo.stack, await open_tab()
    for party in (demo, party_of(EVERY_SCOPE)):
        await enter_account(shown, stack, person)
        await shown.page.goto(party.authorization_url(scope=party.client.scope))
        await shown.page.click("#allow")
        await shown.answer()
        await shown.page.context.clear_cookies()
    await enter_account(shown, stack, person)
    pages = pages_of(http, stack, "/account")
    assert {"/account", "/account/sessions", "/account/applications", "/account/activity"} <= set(pages)
    for path in pages:
        answer = await shown.page.goto(f"{stack.idp}{path}")
        assert answer is not None
        assert (answer.status, urlsplit(shown.page.url).path) == (200, path)
        await every_look(shown, path[1:].replace("/", "-"))


@pytest.mark.parametrize("language", ["de", "fr"])
async def test_longer_words_of_other_languages_fit_a_phone(
    stack: Stack, http: httpx.Client, open_tab: OpenTab, person: Person, language: str
) -> None:
    shown = await open_tab(locale=language, viewport={"width": 320, "height": 568})
    await enter_account(shown, stack, person)
    for path in [*pages_of(http, stack, "/account"), *pages_of(http, stack, "/oidc/v1/")]:
        await shown.page.goto(f"{stack.idp}{path}")
        width = await shown.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1], path
        assert await shown.page.evaluate("document.documentElement.lang") == language, path
        await shown.screenshot(f"{path[1:].replace('/', '-')}-{language}-small")


async def enter_account(shown: Tab, stack: Stack, person: Person) -> None:
    """Go to the account by the login page."""
    await shown.page.goto(f"{stack.idp}/account")
    await shown.log_in(*person)
    await shown.page.wait_for_url(f"{stack.idp}/account")


def pages_of(http: httpx.Client, stack: Stack, prefix: str) -> list[str]:
    """The paths under `prefix` that show a page without being told anything, by the service's own description."""
    paths = http.get(f"{stack.idp}/ui/swagger/doc.json").json()["paths"]
    return [
        path
        for path, methods in paths.items()
        if path.startswith(prefix)
        and "text/html" in methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        and not any(parameter.get("required") for parameter in methods["get"].get("parameters", ()))
    ]

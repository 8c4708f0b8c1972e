"""The account pages: only for the user whose account it is, by a login that is recent enough."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tessera_shared import clock
from tessera_shared.handoff import open_ask

pytestmark = pytest.mark.integration


def asked(idp, response):
    """The ask that leads to the login page."""
    assert response.status_code == 303
    location = urlsplit(response.headers["location"])
    assert (location.netloc, location.path) == ("", "/oidc/v1/login")
    return open_ask(parse_qs(location.query)["ask"][0], idp.ring, clock.now())


async def test_nobody_without_a_login_sees_an_account_page(idp, browser):
    ask = asked(idp, await browser.get("/account?x=1"))
    assert (ask.want, ask.return_to, ask.authenticated_after) == ("login", "/account?x=1", None)


async def test_user_sees_the_own_account_and_can_log_out_there(idp, browser, fields):
    sub = await idp.add_user(name="Alice Liddell")
    await idp.log_in(browser, sub)
    page = await browser.get("/account")
    assert page.status_code == 200
    assert "Alice Liddell" in page.text
    assert 'id="menu-overview" href="/account" aria-current="page"' in page.text
    await browser.post("/oidc/v1/logout", data={**fields(page), "action": "logout"})
    assert (await browser.get("/account")).status_code == 303
    assert not await idp.is_logged_in(browser)


async def test_page_comes_in_the_language_of_the_browser(browser, idp):
    await idp.log_in(browser, await idp.add_user())
    page = await browser.get("/account", headers={"accept-language": "de"})
    assert page.headers["content-language"] == "de"
    assert 'href="?lang=fr"' in page.text

"""A login that the service asks of itself goes back to the page that asked, and nowhere else."""

import pytest

from tessera_idp.protocol.page_policy import is_own_path


@pytest.mark.parametrize("path", [None, "/", "/account", "/account/security/totp?fresh=1&x=%20"])
def test_path_of_this_service_is_its_own(path):
    assert is_own_path(path)


@pytest.mark.parametrize("path", ["", "account", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb"])
def test_path_that_leads_elsewhere_is_not(path):
    assert not is_own_path(path)


@pytest.mark.integration
async def test_login_goes_back_to_the_page_that_asked(idp, browser, password):
    sub = await idp.add_user()
    page = await browser.get(idp.ask(return_to="/account/security"))
    sent = await idp.submit(browser, page, username=sub, password=password, action="login")
    assert (sent.status_code, sent.headers["location"]) == (303, "/account/security")
    assert await idp.is_logged_in(browser)
    again = await browser.get(idp.ask(return_to="/account/security"))
    assert (again.status_code, again.headers["location"]) == (303, "/account/security")


@pytest.mark.integration
async def test_login_that_the_user_cancels_goes_to_the_account(idp, browser):
    page = await browser.get(idp.ask(return_to="/account/security"))
    sent = await idp.submit(browser, page, action="deny")
    assert (sent.status_code, sent.headers["location"]) == (303, "/account")
    assert not await idp.is_logged_in(browser)


@pytest.mark.integration
async def test_ask_that_would_lead_elsewhere_is_refused(idp, browser):
    assert (await browser.get(idp.ask(return_to="//evil.example"))).status_code == 400

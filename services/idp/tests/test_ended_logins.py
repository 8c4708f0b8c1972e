"""What a login counts on may end while it is under way: then it begins anew, and nothing of it reaches the account."""

import re
import secrets
from urllib.parse import urlsplit

import pyotp
import pytest

from tessera_idp.store import account_changes, user_list
from tessera_shared import clock
from tessera_shared.claims import ACR_MULTI_FACTOR

pytestmark = pytest.mark.integration


async def stage_of(idp, browser, sub, password):
    """The page that sets an app up, of a login that demands more than the password."""
    page = await browser.get(idp.ask(acr=ACR_MULTI_FACTOR, acr_essential=True))
    if page.status_code == 200:
        page = await idp.submit(browser, page, username=sub, password=password, action="login")
    assert page.status_code == 303
    return await browser.get(page.headers["location"])


async def set_up(idp, browser, page):
    secret = re.search(r'id="key">([^<]+)<', page.text)[1].replace(" ", "")
    return await idp.submit(browser, page, code=pyotp.TOTP(secret).now(), name="Mine", action="login")


def is_sent_to_the_start(response):
    return response.status_code == 303 and urlsplit(response.headers["location"]).path == "/oidc/v1/login"


async def change_password(idp, sub):
    async with idp.parts.database.transaction() as tx:
        await account_changes.set_password(tx, sub, await idp.parts.passwords.hash(secrets.token_hex(9)), clock.now())


async def remove_password(idp, sub):
    async with idp.parts.database.transaction() as tx:
        await account_changes.remove_password(tx, sub)


async def operators_password(idp, sub):
    async with idp.parts.database.transaction() as tx:
        await user_list.set_password(tx, sub, await idp.parts.passwords.hash(secrets.token_hex(9)), clock.now())


@pytest.mark.parametrize("change", [change_password, remove_password, operators_password])
async def test_login_under_way_does_not_outlive_its_password(idp, browser, password, change):
    sub = await idp.add_user()
    page = await stage_of(idp, browser, sub, password)
    await change(idp, sub)
    assert is_sent_to_the_start(await set_up(idp, browser, page))
    assert not await idp.parts.totp.has(sub)
    assert not await idp.is_logged_in(browser)


async def test_session_that_rises_does_not_outlive_a_logout(idp, browser, password):
    sub = await idp.add_user()
    await idp.log_in(browser, sub)
    page = await stage_of(idp, browser, sub, password)
    assert urlsplit(str(page.url)).path == "/oidc/v1/login/set-up/totp"
    logout = await browser.get("/oidc/v1/logout")
    await idp.submit(browser, logout, action="logout")
    assert is_sent_to_the_start(await set_up(idp, browser, page))
    assert not await idp.parts.totp.has(sub)
    assert not await idp.is_logged_in(browser)


async def test_logins_of_others_and_a_hash_made_anew_change_nothing(idp, browser, password):
    sub, other = await idp.add_user(), await idp.add_user()
    page = await stage_of(idp, browser, sub, password)
    await change_password(idp, other)
    hashed = await idp.parts.database.fetchval("SELECT hash FROM idp.passwords WHERE sub = $1", sub)
    await idp.parts.users.replace_hash(sub, hashed, await idp.parts.passwords.hash(password))
    codes = await set_up(idp, browser, page)
    assert codes.status_code == 200
    assert idp.answer(await idp.submit(browser, codes, action="continue")).outcome == "authenticated"

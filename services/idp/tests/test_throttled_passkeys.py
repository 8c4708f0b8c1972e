"""Neither wrong passwords nor wrong passkeys keep anyone from logging in by passkey."""

import html
import re

import httpx
import pytest

from e2e.authenticator import Authenticator
from tessera_idp.protection import Protection
from tessera_shared.throttle import Throttle

pytestmark = pytest.mark.integration

ACCOUNT = "/account/security/passkeys"


def browser_at(idp, address):
    transport = httpx.ASGITransport(idp.app, client=(address, 40000))
    return httpx.AsyncClient(transport=transport, base_url=idp.config.public_url)


def options(page):
    return html.unescape(re.search(r'data-options="([^"]*)"', page.text)[1])


def hidden(page):
    """The hidden fields of the form with the passkey, which is the last one."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


async def by_passkey(idp, browser, device):
    page = await browser.get(idp.ask() + "&method=passkey")
    sent = {**hidden(page), "action": "login", "credential": device.get(options(page))}
    return await browser.post(page.url.path, data=sent)


@pytest.fixture
async def owner(idp):
    """A user with a passkey."""
    sub, device = await idp.add_user(), Authenticator(idp.config.public_url)
    async with idp.browser() as browser:
        await idp.log_in(browser, sub)
        page = await browser.get(ACCOUNT)
        csrf = re.findall(r'name="csrf" value="([^"]*)"', page.text)[-1]
        sent = {"csrf": csrf, "action": "add", "credential": device.create(options(page))}
        assert (await browser.post(ACCOUNT, data=sent)).status_code == 200
    return sub, device


async def test_passkey_logs_in_while_passwords_over_the_account_have_to_wait(idp, owner):
    sub, device = owner
    async with browser_at(idp, "192.0.2.90") as attacker:
        page = await attacker.get(idp.ask())
        for _ in range(21):
            refused = await idp.submit(attacker, page, method="password", username=sub, password="x", action="login")
        assert refused.status_code == 429
    async with browser_at(idp, "192.0.2.90") as own:
        assert (await by_passkey(idp, own, device)).status_code == 303


async def test_wrong_passkeys_of_others_keep_no_passkey_out(idp, owner):
    _sub, device = owner
    async with browser_at(idp, "192.0.2.91") as attacker:
        page = await attacker.get(idp.ask() + "&method=passkey")
        for _ in range(45):
            sent = {**hidden(page), "action": "login", "credential": "{}"}
            assert (await attacker.post(page.url.path, data=sent)).status_code == 403
    async with browser_at(idp, "192.0.2.92") as own:
        assert (await by_passkey(idp, own, device)).status_code == 303


async def test_forms_without_a_username_keep_no_form_without_one_out(idp, owner):
    _sub, device = owner
    async with browser_at(idp, "192.0.2.93") as attacker:
        page = await attacker.get(idp.ask())
        for _ in range(45):
            refused = await idp.submit(attacker, page, method="password", username="", password="x", action="login")
        assert refused.status_code == 403
        assert (await by_passkey(idp, attacker, device)).status_code == 303


async def test_passkey_is_accepted_as_second_factor_after_too_many_wrong_codes_elsewhere(idp, owner, password):
    sub, device = owner
    protection = Protection(Throttle(idp.parts.redis), idp.config.protection)
    for number in range(12):
        await protection.second_factor(sub, f"login {number}", f"198.51.100.{number}")
    async with browser_at(idp, "192.0.2.94") as own:
        page = await own.get(idp.ask())
        moved = await idp.submit(own, page, method="password", username=sub, password=password, action="login")
        page = await own.get(moved.headers["location"])
        sent = {**hidden(page), "action": "login", "credential": device.get(options(page))}
        assert (await own.post(page.url.path, data=sent)).status_code == 303

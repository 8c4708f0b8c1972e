"""Whoever tries passwords elsewhere cannot keep an account's owner out of a browser that was used before."""

import hashlib
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from tessera_idp.store.devices import MOST
from tessera_shared import clock

pytestmark = pytest.mark.integration

DEVICE = "tessera_device"


def browser_at(idp, address):
    transport = httpx.ASGITransport(idp.app, client=(address, 40000))
    return httpx.AsyncClient(transport=transport, base_url=idp.config.public_url)


async def try_login(idp, browser, username, password):
    browser.cookies.delete("tessera_session") if "tessera_session" in browser.cookies else None
    page = await browser.get(idp.ask())
    return await idp.submit(browser, page, username=username, password=password, action="login")


async def exhaust(idp, username, network):
    """Wrong passwords from many addresses, until none from a strange browser is checked any more."""
    for number in range(60):
        async with browser_at(idp, f"{network}.{number}") as attacker:
            if (await try_login(idp, attacker, username, "wrong")).status_code == 429:
                return
    pytest.fail("never too many")


async def test_owner_logs_in_where_the_account_was_used_before_while_strangers_have_to_wait(idp, password):
    sub = await idp.add_user()
    async with browser_at(idp, "192.0.2.50") as own, browser_at(idp, "192.0.2.51") as strange:
        assert (await try_login(idp, own, sub, password)).status_code == 303
        await exhaust(idp, sub, "203.0.113")
        assert (await try_login(idp, strange, sub, password)).status_code == 429
        for typed in (sub, sub.upper(), f" {sub} "):
            assert (await try_login(idp, own, typed, "wrong")).status_code == 403
        assert (await try_login(idp, own, sub, password)).status_code == 303


async def test_a_known_browser_has_a_limit_of_its_own(idp, password):
    sub = await idp.add_user()
    async with browser_at(idp, "192.0.2.52") as own, browser_at(idp, "192.0.2.53") as other:
        for browser in (own, other):
            await try_login(idp, browser, sub, password)
        statuses = [(await try_login(idp, own, sub, "wrong")).status_code for _ in range(22)]
        assert statuses == [403] * 20 + [429] * 2
        assert (await try_login(idp, own, sub, password)).status_code == 429
        assert (await try_login(idp, other, sub, password)).status_code == 303


async def test_a_browser_known_to_one_account_is_strange_to_another(idp, password):
    mine, others = await idp.add_user(), await idp.add_user()
    async with browser_at(idp, "192.0.2.54") as own:
        await try_login(idp, own, mine, password)
        await exhaust(idp, others, "198.18.0")
        assert (await try_login(idp, own, others, password)).status_code == 429


async def test_a_browser_knows_every_account_used_in_it_by_name_and_by_email_address(idp, password):
    email = f"{uuid4().hex}@example.com"
    first, second = await idp.add_user(email=email, email_verified=True), await idp.add_user(email="x@example.com")
    async with browser_at(idp, "192.0.2.55") as own:
        for sub in (first, second):
            await try_login(idp, own, sub, password)
        digest = hashlib.sha256(own.cookies[DEVICE].encode()).digest()
        for account in (first, second, email.upper()):
            assert await idp.parts.devices.knows(digest, account, clock.now())
        assert not await idp.parts.devices.knows(digest, first, clock.now() + timedelta(days=181))
        assert not await idp.parts.devices.knows(digest, "x@example.com", clock.now())  # may be another's


async def test_each_login_replaces_the_cookie_and_a_planted_one_is_worth_nothing(idp, password):
    sub, attackers = await idp.add_user(), await idp.add_user()
    async with browser_at(idp, "192.0.2.56") as attacker, browser_at(idp, "192.0.2.57") as own:
        await try_login(idp, attacker, attackers, password)
        planted = attacker.cookies[DEVICE]
        own.cookies.set(DEVICE, planted)
        answer = await try_login(idp, own, sub, password)
        assert own.cookies.get(DEVICE, domain="localhost.local") != planted
        cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(DEVICE))
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert f"Max-Age={180 * 86400}" in cookie
        assert not await idp.parts.devices.knows(hashlib.sha256(planted.encode()).digest(), sub, clock.now())


async def test_only_a_login_that_succeeds_makes_a_browser_known(idp):
    sub = await idp.add_user()
    async with browser_at(idp, "192.0.2.58") as browser:
        await try_login(idp, browser, sub, "wrong")
        assert DEVICE not in browser.cookies


async def test_the_browsers_of_an_account_are_bounded_and_the_longest_unused_is_forgotten(idp):
    sub, now = await idp.add_user(), clock.now()
    store = idp.parts.devices
    for number in range(MOST + 1):
        at = now + timedelta(seconds=number)
        kept = await store.keep(None, number.to_bytes(32, "big"), sub, at, now + timedelta(days=1))
        assert (kept.is_new, kept.has_others) == (True, number > 0)
    assert not await store.knows((0).to_bytes(32, "big"), sub, now)
    assert await store.knows((1).to_bytes(32, "big"), sub, now)
    await store.forget_others(sub, (1).to_bytes(32, "big"))
    assert not await store.knows((2).to_bytes(32, "big"), sub, now)
    assert await store.knows((1).to_bytes(32, "big"), sub, now)
    await store.purge(now + timedelta(days=2))
    assert not await store.knows((1).to_bytes(32, "big"), sub, now)

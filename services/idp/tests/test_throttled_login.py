"""Wrong passwords are limited, alike for accounts that exist and those that do not; right ones are not counted."""

import asyncio
import time
from uuid import uuid4

import httpx
import pytest

pytestmark = pytest.mark.integration

PER_ACCOUNT_AND_ADDRESS = 20


def browser_at(idp, address):
    transport = httpx.ASGITransport(idp.app, client=(address, 40000))
    return httpx.AsyncClient(transport=transport, base_url=idp.config.public_url)


async def fail(idp, browser, username, times=1, password="wrong"):  # noqa: S107 - a wrong one
    page = await browser.get(idp.ask())
    for _ in range(times):
        answer = await idp.submit(browser, page, username=username, password=password, action="login")
    return answer


async def test_after_twenty_wrong_passwords_the_right_one_has_to_wait_and_the_page_says_so(idp, password):
    sub = await idp.add_user()
    async with browser_at(idp, "192.0.2.1") as browser:
        assert (await fail(idp, browser, sub, PER_ACCOUNT_AND_ADDRESS)).status_code == 403
        page = await browser.get(idp.ask())
        refused = await idp.submit(browser, page, username=sub, password=password, action="login")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert "too many tries" in refused.text
    assert f'value="{sub}"' in refused.text
    assert "session" not in str(refused.headers.get_list("set-cookie"))


async def test_an_unknown_account_is_limited_as_a_known_one_is(idp):
    answers = []
    for number, username in enumerate((await idp.add_user(), str(uuid4()))):
        async with browser_at(idp, f"192.0.2.{10 + number}") as browser:
            shown = await fail(idp, browser, username, PER_ACCOUNT_AND_ADDRESS + 1)
        text = shown.text.replace(username, "USERNAME").split('name="ask"')
        answers.append((shown.status_code, text[0], text[1].split('name="method"')[1]))
    assert answers[0][0] == 429
    assert answers[0] == answers[1]


async def test_right_passwords_are_not_counted(idp, password):
    sub = await idp.add_user()
    for _ in range(25):
        async with browser_at(idp, "192.0.2.20") as browser:
            assert (await fail(idp, browser, sub, password=password)).status_code == 303


async def test_capitals_and_spaces_do_not_make_another_account(idp):
    sub = f"a{await idp.add_user()}"
    async with browser_at(idp, "192.0.2.21") as browser:
        await fail(idp, browser, sub, PER_ACCOUNT_AND_ADDRESS)
        assert (await fail(idp, browser, sub.upper())).status_code == 429
        assert (await fail(idp, browser, f" {sub} ")).status_code == 429


async def test_letters_that_some_databases_take_for_the_same_are_one_name(idp):
    rest = uuid4().hex
    async with browser_at(idp, "192.0.2.22") as browser:
        await fail(idp, browser, f"ik{rest}", PER_ACCOUNT_AND_ADDRESS)
        assert (await fail(idp, browser, f"\u0130\u212a{rest}")).status_code == 429  # i with a dot, the Kelvin sign
        assert (await fail(idp, browser, f"jk{rest}")).status_code == 403


async def test_addresses_of_one_ipv6_network_are_one(idp):
    sub = await idp.add_user()
    for number in range(PER_ACCOUNT_AND_ADDRESS):
        async with browser_at(idp, f"2001:db8:1:2::{number:x}") as browser:
            assert (await fail(idp, browser, sub)).status_code == 403
    async with browser_at(idp, "2001:db8:1:2:ffff::1") as browser:
        assert (await fail(idp, browser, sub)).status_code == 429
    async with browser_at(idp, "2001:db8:1:3::1") as browser:
        assert (await fail(idp, browser, sub)).status_code == 403


async def test_many_addresses_over_one_account_are_limited_together(idp):
    sub, statuses = await idp.add_user(), []
    for number in range(45):
        async with browser_at(idp, f"198.51.100.{number}") as browser:
            statuses.append((await fail(idp, browser, sub)).status_code)
    assert statuses[:40] == [403] * 40
    assert statuses[-1] == 429


async def test_one_address_over_many_accounts_is_limited_and_others_are_not(idp, password):
    async with browser_at(idp, "192.0.2.30") as browser:
        page = await browser.get(idp.ask())
        statuses, started = [], time.monotonic()
        for _ in range(6):
            tries = (idp.submit(browser, page, username=str(uuid4()), password="x", action="login") for _ in range(60))
            statuses += [answer.status_code for answer in await asyncio.gather(*tries)]
        refilled = (time.monotonic() - started) / 2 + 1
        assert 300 <= statuses.count(403) <= 300 + refilled
        assert statuses.count(429) == 360 - statuses.count(403)
    async with browser_at(idp, "192.0.2.31") as other:
        assert (await fail(idp, other, await idp.add_user(), password=password)).status_code == 303


async def test_of_many_tries_at_once_no_more_than_the_limit_are_checked(idp):
    sub = await idp.add_user()
    async with browser_at(idp, "192.0.2.32") as browser:
        page = await browser.get(idp.ask())
        tries = (idp.submit(browser, page, username=sub, password="wrong", action="login") for _ in range(40))
        statuses = [answer.status_code for answer in await asyncio.gather(*tries)]
    assert statuses.count(403) == PER_ACCOUNT_AND_ADDRESS
    assert statuses.count(429) == 20

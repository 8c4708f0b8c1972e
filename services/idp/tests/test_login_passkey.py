"""Login by passkey on the real application: usernameless, as a second factor, and what must be refused."""

import asyncio
import html
import json
import re
from typing import Any

import httpx
import pytest

from e2e.authenticator import BACKED_UP, BACKUP_ELIGIBLE, USER_PRESENT, USER_VERIFIED, Authenticator, to_text
from tessera_shared.claims import ACR_MULTI_FACTOR, ACR_PHISHING_RESISTANT

pytestmark = pytest.mark.integration

ACCOUNT = "/account/security/passkeys"
ORIGIN = "http://localhost:8081"
SYNCED = USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP


def options(page: httpx.Response) -> str:
    found = re.search(r'data-options="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of the form with the passkey, which is the last one."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


async def enrol(idp, sub: str, device: Authenticator) -> None:
    async with idp.browser() as browser:
        await idp.log_in(browser, sub)
        page = await browser.get(ACCOUNT)
        csrf = re.findall(r'name="csrf" value="([^"]*)"', page.text)[-1]
        sent = {"csrf": csrf, "action": "add", "credential": device.create(options(page))}
        assert (await browser.post(ACCOUNT, data=sent)).status_code == 200  # with the first recovery codes


async def send(browser: httpx.AsyncClient, page: httpx.Response, credential: str) -> httpx.Response:
    sent = {**hidden(page), "action": "login", "credential": credential}
    return await browser.post(page.url.path, data=sent)


async def log_in(
    browser: httpx.AsyncClient, page: httpx.Response, device: Authenticator, **said: Any
) -> httpx.Response:
    return await send(browser, page, device.get(options(page), **said))


@pytest.mark.parametrize(("flags", "key"), [(USER_PRESENT | USER_VERIFIED, "hwk"), (SYNCED, "swk")])
async def test_passkey_logs_in_without_a_username_at_the_highest_level(idp, browser, flags, key):
    sub = await idp.add_user()
    device = Authenticator(ORIGIN, flags=flags)
    await enrol(idp, sub, device)
    page = await browser.get(idp.ask(acr=ACR_PHISHING_RESISTANT, acr_essential=True))
    answer = idp.answer(await log_in(browser, page, device))
    assert answer.outcome == "authenticated"
    assert (answer.authentication.sub, answer.authentication.acr) == (sub, ACR_PHISHING_RESISTANT)
    assert answer.authentication.amr == (key, "pop", "user", "mfa")


async def test_passkey_works_on_the_first_page_a_browser_ever_sees_and_on_its_own_page(idp, browser):
    sub = await idp.add_user()
    device = Authenticator(ORIGIN)
    await enrol(idp, sub, device)
    page = await browser.get(idp.ask() + "&method=passkey")
    assert idp.answer(await log_in(browser, page, device)).authentication.sub == sub


async def test_passkey_is_asked_for_after_the_password_and_only_ones_own(idp, browser):
    sub, other = await idp.add_user(), await idp.add_user()
    device, foreign = Authenticator(ORIGIN), Authenticator(ORIGIN)
    await enrol(idp, sub, device)
    await enrol(idp, other, foreign)
    page = await browser.get(idp.ask())
    typed = {**hidden(page), "method": "password", "username": sub, "password": "correct horse battery staple"}
    moved = await browser.post(page.url.path, data={**typed, "action": "login"})
    assert moved.headers["location"].startswith("/oidc/v1/login/second-factor?")
    page = await browser.get(moved.headers["location"])
    allowed = json.loads(options(page))["allowCredentials"]
    assert [each["id"] for each in allowed] == [to_text(device.credential_id)]
    assert (await log_in(browser, page, foreign)).status_code == 403
    page = await browser.get(moved.headers["location"])
    answer = idp.answer(await log_in(browser, page, device))
    assert answer.authentication.acr == ACR_PHISHING_RESISTANT
    assert answer.authentication.amr == ("pwd", "hwk", "pop", "user", "mfa")


async def test_passkey_of_a_session_by_password_reaches_a_higher_level_without_the_password(idp, browser):
    sub = await idp.add_user()
    device = Authenticator(ORIGIN)
    await idp.log_in(browser, sub)
    await enrol(idp, sub, device)
    moved = await browser.get(idp.ask(acr=ACR_MULTI_FACTOR, acr_essential=True))
    page = await browser.get(moved.headers["location"])
    answer = idp.answer(await log_in(browser, page, device))
    assert answer.authentication.acr == ACR_PHISHING_RESISTANT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"origin": "http://localhost:9999"}, {}),
        ({"rp_id": "evil.example"}, {}),
        ({"flags": USER_PRESENT}, {}),
        ({"user_handle": b""}, {}),
        ({"user_handle": b"x" * 64}, {}),
        ({"credential_id": b"unknown"}, {}),
        ({}, {"challenge": to_text(b"x" * 72)}),
        ({}, {"type": "webauthn.create"}),
    ],
    ids=["origin", "rp id", "no user verification", "no handle", "handle", "unknown", "challenge", "ceremony"],
)
async def test_answer_that_was_not_asked_for_is_refused(idp, browser, change, said):
    device = Authenticator(ORIGIN)
    await enrol(idp, await idp.add_user(), device)
    for name, value in change.items():
        setattr(device, name, value)
    refused = await log_in(browser, await browser.get(idp.ask()), device, **said)
    assert refused.status_code == 403
    assert 'id="problem"' in refused.text
    assert not await idp.is_logged_in(browser)


async def test_answer_counts_once_in_the_browser_and_ask_it_was_made_for(idp, browser):
    device = Authenticator(ORIGIN, counts=False)  # so that no count refuses what was used
    await enrol(idp, await idp.add_user(), device)
    page = await browser.get(idp.ask())
    async with idp.browser() as thief:
        stolen = await send(thief, await thief.get(page.url.raw_path.decode()), device.get(options(page)))
        assert stolen.status_code == 403
    other_ask = await browser.get(idp.ask())
    assert (await send(browser, other_ask, device.get(options(page)))).status_code == 403
    credential = device.get(options(page))
    assert (await send(browser, page, credential)).status_code == 303
    assert (await send(browser, page, credential)).status_code == 403


async def test_sign_count_that_does_not_grow_is_refused_and_shown_to_the_user(idp, browser):
    sub = await idp.add_user()
    device = Authenticator(ORIGIN)
    await enrol(idp, sub, device)
    for _ in range(2):
        assert (await log_in(browser, await browser.get(idp.ask(authenticated_after=2**40)), device)).status_code == 303
    device.sign_count = 1
    copied = await log_in(browser, await browser.get(idp.ask(authenticated_after=2**40)), device)
    assert copied.status_code == 403
    page = await browser.get(ACCOUNT)
    assert 'id="suspected-' in page.text


async def test_passkey_that_does_not_count_is_accepted_each_time(idp, browser):
    device = Authenticator(ORIGIN, counts=False)
    await enrol(idp, await idp.add_user(), device)
    for _ in range(2):
        assert (await log_in(browser, await browser.get(idp.ask(authenticated_after=2**40)), device)).status_code == 303


async def test_passkey_of_a_disabled_user_and_a_removed_one_are_refused(idp, browser):
    sub = await idp.add_user()
    device = Authenticator(ORIGIN)
    await enrol(idp, sub, device)
    await idp.disable(sub)
    assert (await log_in(browser, await browser.get(idp.ask()), device)).status_code == 403


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id":1}', "[" * 4000, "é", "null"])
async def test_malformed_answer_is_refused(idp, browser, text):
    page = await browser.get(idp.ask())
    refused = await send(browser, page, text)
    assert refused.status_code == 403
    assert (await send(browser, page, "a" * 9000)).status_code == 400


async def test_wrong_passkeys_of_one_browser_keep_nobody_elses_out(idp, browser):
    device = Authenticator(ORIGIN)
    await enrol(idp, await idp.add_user(), device)
    for _ in range(25):
        page = await browser.get(idp.ask())
        assert (await send(browser, page, "{}")).status_code == 403
    assert (await log_in(browser, await browser.get(idp.ask()), device)).status_code == 303


async def test_of_the_same_answer_sent_many_times_at_once_one_counts(idp, browser):
    device = Authenticator(ORIGIN, counts=False)
    await enrol(idp, await idp.add_user(), device)
    page = await browser.get(idp.ask())
    credential = device.get(options(page))
    answers = await asyncio.gather(*(send(browser, page, credential) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [303, 403, 403, 403, 403]

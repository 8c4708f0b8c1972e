"""The page of passkeys on the real application: enrolment, naming, removal, and answers it must refuse."""

import html
import json
import re
from typing import Any

import httpx
import pytest

from e2e.authenticator import USER_PRESENT, Authenticator, from_text, to_text

pytestmark = pytest.mark.integration

PATH = "/account/security/passkeys"
ORIGIN = "http://localhost:8081"


def options(page: httpx.Response) -> str:
    """What the page asks the browser's script for."""
    found = re.search(r'data-options="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


def csrf(page: httpx.Response) -> str:
    """The token of the page's own forms; the first one is of the button to log out."""
    return re.findall(r'name="csrf" value="([^"]*)"', page.text)[-1]


async def send(browser: httpx.AsyncClient, page: httpx.Response, action: str, **sent: str) -> httpx.Response:
    return await browser.post(PATH, data={"csrf": csrf(page), "action": action, **sent})


async def add(browser: httpx.AsyncClient, device: Authenticator, name: str = "Phone", **said: Any) -> httpx.Response:
    page = await browser.get(PATH)
    return await send(browser, page, "add", name=name, credential=device.create(options(page), **said))


async def ids(browser: httpx.AsyncClient) -> list[str]:
    return re.findall(r'id="remove-([\w-]+)"', (await browser.get(PATH)).text)


async def test_passkey_is_added_named_and_removed(idp, browser):
    sub = await idp.add_user()
    await idp.log_in(browser, sub)
    codes = await add(browser, Authenticator(ORIGIN), "My <phone>")
    assert 'id="codes"' in codes.text
    page = await browser.get(PATH)
    assert "My &lt;phone&gt;" in page.text
    (passkey,) = await ids(browser)
    assert (await send(browser, page, "rename", id=passkey, name="Old phone")).status_code == 303
    assert "Old phone" in (await browser.get(PATH)).text
    assert (await send(browser, page, "remove", id=passkey)).status_code == 303
    assert await ids(browser) == []


async def test_user_handle_is_random_stays_and_is_not_the_sub(idp, browser):
    sub = await idp.add_user()
    await idp.log_in(browser, sub)
    asked = [json.loads(options(await browser.get(PATH))) for _ in range(2)]
    handles = {each["user"]["id"] for each in asked}
    assert len(handles) == 1
    assert len(from_text(handles.pop())) == 64
    assert asked[0]["challenge"] != asked[1]["challenge"]


async def test_existing_passkeys_are_excluded_and_refused_a_second_time(idp, browser):
    await idp.log_in(browser, await idp.add_user())
    device = Authenticator(ORIGIN)
    await add(browser, device)
    page = await browser.get(PATH)
    assert json.loads(options(page))["excludeCredentials"][0]["id"] == to_text(device.credential_id)
    again = await send(browser, page, "add", credential=device.create(options(page)))
    assert again.status_code == 403
    assert len(await ids(browser)) == 1


async def test_passkey_of_another_user_cannot_be_named_or_removed(idp, browser):
    await idp.log_in(browser, await idp.add_user())
    await add(browser, Authenticator(ORIGIN))
    (passkey,) = await ids(browser)
    async with idp.browser() as other:
        await idp.log_in(other, await idp.add_user())
        page = await other.get(PATH)
        assert (await send(other, page, "rename", id=passkey, name="Mine")).status_code == 403
        assert (await send(other, page, "remove", id=passkey)).status_code == 403
    assert await ids(browser) == [passkey]


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (Authenticator("http://localhost:9999"), {}),
        (Authenticator(ORIGIN, rp_id="evil.example"), {}),
        (Authenticator(ORIGIN, flags=USER_PRESENT), {}),
        (Authenticator(ORIGIN), {"challenge": to_text(b"x" * 72)}),
        (Authenticator(ORIGIN), {"type": "webauthn.get"}),
    ],
    ids=["origin", "rp id", "no user verification", "challenge", "ceremony"],
)
async def test_answer_that_was_not_asked_for_is_refused(idp, browser, device, said):
    await idp.log_in(browser, await idp.add_user())
    refused = await add(browser, device, **said)
    assert refused.status_code == 403
    assert 'id="problem"' in refused.text
    assert await ids(browser) == []


async def test_challenge_counts_once_and_only_in_the_session_that_was_asked(idp, browser):
    await idp.log_in(browser, await idp.add_user())
    page = await browser.get(PATH)
    asked = options(page)
    async with idp.browser() as other:
        await idp.log_in(other, await idp.add_user())
        stolen = await send(other, await other.get(PATH), "add", credential=Authenticator(ORIGIN).create(asked))
        assert stolen.status_code == 403
    first = await send(browser, page, "add", credential=Authenticator(ORIGIN).create(asked))
    second = await send(browser, page, "add", credential=Authenticator(ORIGIN).create(asked))
    assert (first.status_code, second.status_code) == (200, 403)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"id":1}', "[" * 4000, json.dumps({"id": "a", "rawId": "YQ"})]
)
async def test_malformed_answer_is_refused(idp, browser, text):
    await idp.log_in(browser, await idp.add_user())
    page = await browser.get(PATH)
    assert (await send(browser, page, "add", credential=text)).status_code == 403


async def test_oversized_answer_is_refused(idp, browser):
    await idp.log_in(browser, await idp.add_user())
    page = await browser.get(PATH)
    assert (await send(browser, page, "add", credential="a" * 9000)).status_code == 400
    assert (await send(browser, page, "add", credential="a" * 70_000)).status_code == 413


async def test_account_has_a_bounded_number_of_passkeys(idp, browser):
    await idp.log_in(browser, await idp.add_user())
    assert (await add(browser, Authenticator(ORIGIN))).status_code == 200
    for _ in range(19):
        assert (await add(browser, Authenticator(ORIGIN))).headers["location"] == f"{PATH}?done=added"
    page = await browser.get(PATH)
    assert "data-options" not in page.text
    assert len(await ids(browser)) == 20


async def test_form_of_another_page_or_site_is_refused(idp, browser):
    await idp.log_in(browser, await idp.add_user())
    page = await browser.get(PATH)
    credential = Authenticator(ORIGIN).create(options(page))
    forged = await browser.post(PATH, data={"csrf": "x", "action": "add", "credential": credential})
    foreign = await browser.post(
        PATH,
        data={"csrf": csrf(page), "action": "add", "credential": credential},
        headers={"origin": "https://evil.example"},
    )
    assert (forged.status_code, foreign.status_code) == (403, 403)
    assert await ids(browser) == []


async def test_page_needs_a_login(browser):
    shown = await browser.get(PATH)
    assert shown.status_code == 303
    assert shown.headers["location"].startswith("/oidc/v1/login?")

"""A login that demands more than the user has sets a passkey up: who may, in which order, and what is refused."""

import asyncio
import hashlib
import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pyotp
import pytest

from e2e.authenticator import USER_PRESENT, Authenticator, to_text
from tessera_idp.store.totp import Authenticator as App
from tessera_shared import clock
from tessera_shared.claims import ACR_MULTI_FACTOR, ACR_ONE_FACTOR, ACR_PHISHING_RESISTANT

pytestmark = pytest.mark.integration

SECOND = "/oidc/v1/login/second-factor"
SET_UP = "/oidc/v1/login/set-up/passkey"
SET_UP_APP = "/oidc/v1/login/set-up/totp"
ORIGIN = "http://localhost:8081"
PASSWORD = "correct horse battery staple"
DEMANDED: dict[str, Any] = {"acr": ACR_PHISHING_RESISTANT, "acr_essential": True}


def options(page: httpx.Response) -> str:
    """What the page asks the browser's script for."""
    found = re.search(r'data-options="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


async def after_password(idp, browser, sub, **changes):
    """The page that follows the password."""
    page = await browser.get(idp.ask(**{**DEMANDED, **changes}))
    assert page.status_code == 200, page.text
    return await follow(browser, await idp.submit(browser, page, username=sub, password=PASSWORD, action="login"))


async def follow(browser, response):
    assert response.status_code == 303, response.text
    return await browser.get(response.headers["location"])


async def add(idp, browser, page, device, **said):
    """Answer the page by a new passkey of the device."""
    return await idp.submit(
        browser, page, credential=device.create(options(page), **said), name="Phone", action="login"
    )


async def use(idp, browser, page, device):
    """Answer the page that asks for the passkey."""
    return await idp.submit(browser, page, credential=device.get(options(page)), action="login")


async def passkeys(idp, sub):
    return [each.name for each in await idp.parts.passkeys.of_user(sub)]


def is_sent_to_the_start(response):
    return response.status_code == 303 and urlsplit(response.headers["location"]).path == "/oidc/v1/login"


async def add_app(idp, sub):
    """Give the user an authenticator app; its secret."""
    secret = pyotp.random_base32()
    assert await idp.parts.totp.add(sub, App(str(uuid4()), "Phone", secret, 0, clock.now(), None))
    return secret


async def test_essential_level_lets_a_user_set_a_passkey_up_and_reaches_it_by_using_it(idp, browser):
    sub, device = await idp.add_user(), Authenticator(ORIGIN)
    page = await after_password(idp, browser, sub, step="step-9")
    assert page.url.path == SET_UP
    codes = await add(idp, browser, page, device)
    assert codes.status_code == 200
    assert len(re.findall(r"<code>[0-9A-Z-]{19}</code>", codes.text)) == 10
    assert 'id="languages"' not in codes.text  # another language would be another page, without the codes
    assert await passkeys(idp, sub) == ["Phone"]
    # a registration proves nothing: there is no session before the passkey was used
    assert not await idp.is_logged_in(browser)
    asked = await follow(browser, await idp.submit(browser, codes, action="continue"))
    assert asked.url.path == SECOND
    assert 'id="notice"' in asked.text
    answer = idp.answer(await use(idp, browser, asked, device))
    assert (answer.step, answer.authentication.acr) == ("step-9", ACR_PHISHING_RESISTANT)
    assert answer.authentication.amr == ("pwd", "hwk", "pop", "user", "mfa")
    assert is_sent_to_the_start(await idp.submit(browser, codes, action="continue"))


async def test_new_passkey_is_told_by_mail_and_stands_in_the_audit_log(idp, browser, database_as):
    address = f"{uuid4()}@example.org"
    sub = await idp.add_user(email=address, email_verified=True)
    page = await after_password(idp, browser, sub)
    refused = await add(idp, browser, page, Authenticator(ORIGIN), origin="http://evil.example")
    assert refused.status_code == 403
    assert 'id="problem"' in refused.text
    assert await passkeys(idp, sub) == []
    assert (await add(idp, browser, refused, Authenticator(ORIGIN))).status_code == 200
    assert "Phone" in (await idp.mail(address)).text
    rows = await (await database_as("owner")).fetch(
        "SELECT outcome, details FROM audit.events WHERE object_id = $1 AND action = 'factor.added' ORDER BY id", sub
    )
    assert [row["outcome"] for row in rows] == ["refused", "done"]
    assert "evil.example" not in refused.text


async def test_user_with_an_app_uses_it_before_a_passkey_is_added(idp, browser, fields):
    sub = await idp.add_user()
    secret = await add_app(idp, sub)
    page = await after_password(idp, browser, sub)
    assert page.url.path == SECOND
    # the page of the passkey is not to be had by its address, nor is its form
    ask = fields(page)["ask"]
    assert is_sent_to_the_start(await browser.get(SET_UP, params={"ask": ask}))
    for action in ("login", "continue"):
        forged = {**fields(page), "credential": "{}", "action": action}
        assert is_sent_to_the_start(await browser.post(SET_UP, data=forged))
    assert await passkeys(idp, sub) == []
    page = await browser.get(page.url.raw_path.decode())
    code = pyotp.TOTP(secret).at(clock.now())
    offered = await follow(browser, await idp.submit(browser, page, code=code, action="login"))
    assert offered.url.path == SET_UP
    device = Authenticator(ORIGIN)
    codes = await add(idp, browser, offered, device)
    asked = await follow(browser, await idp.submit(browser, codes, action="continue"))
    answer = idp.answer(await use(idp, browser, asked, device))
    assert answer.authentication.acr == ACR_PHISHING_RESISTANT
    assert {"pwd", "otp", "mfa"} < set(answer.authentication.amr)


async def test_app_that_was_set_up_while_the_page_was_open_must_be_used_first(idp, browser):
    sub = await idp.add_user()
    page = await after_password(idp, browser, sub)
    await add_app(idp, sub)
    assert is_sent_to_the_start(await add(idp, browser, page, Authenticator(ORIGIN)))
    assert await passkeys(idp, sub) == []


async def test_user_who_sets_nothing_up_does_not_meet_the_level(idp, browser):
    page = await after_password(idp, browser, await idp.add_user())
    assert idp.answer(await idp.submit(browser, page, action="deny")).outcome == "unmet"
    assert not await idp.is_logged_in(browser)
    assert is_sent_to_the_start(await add(idp, browser, page, Authenticator(ORIGIN)))


async def test_nothing_is_continued_before_the_passkey_is_added(idp, browser):
    page = await after_password(idp, browser, await idp.add_user())
    assert is_sent_to_the_start(await idp.submit(browser, page, action="continue"))
    assert not await idp.is_logged_in(browser)


async def test_continuing_gives_no_more_tries_at_the_next_stage(idp, browser):
    sub, device = await idp.add_user(), Authenticator(ORIGIN)
    codes = await add(idp, browser, await after_password(idp, browser, sub), device)
    statuses = []
    for _ in range(6):
        went = await idp.submit(browser, codes, action="continue")
        statuses.append(is_sent_to_the_start(went))
    assert statuses[-1]


async def test_password_alone_is_no_session_while_the_page_is_shown(idp, browser):
    await after_password(idp, browser, await idp.add_user())
    assert not await idp.is_logged_in(browser)


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
    sub = await idp.add_user()
    page = await after_password(idp, browser, sub)
    assert (await add(idp, browser, page, device, **said)).status_code == 403
    assert await passkeys(idp, sub) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id":1}', "[" * 4000, "é", "null"])
async def test_malformed_answer_is_refused(idp, browser, text):
    page = await after_password(idp, browser, await idp.add_user())
    assert (await idp.submit(browser, page, credential=text, action="login")).status_code == 403


async def test_after_five_refused_answers_the_login_begins_anew_with_the_password(idp, browser):
    page = await after_password(idp, browser, await idp.add_user())
    for _ in range(5):
        assert (await idp.submit(browser, page, credential="{}", action="login")).status_code == 403
    assert is_sent_to_the_start(await add(idp, browser, page, Authenticator(ORIGIN)))


async def test_challenge_counts_once_and_only_in_the_login_that_was_asked(idp, browser):
    sub, other = await idp.add_user(), await idp.add_user()
    page = await after_password(idp, browser, sub)
    async with idp.browser() as victim:
        theirs = await after_password(idp, victim, other)
        mine = Authenticator(ORIGIN).create(options(page))
        assert (await idp.submit(victim, theirs, credential=mine, action="login")).status_code == 403
        account = await idp.log_in(victim, other, acr=None, acr_essential=False)
        assert account.outcome == "authenticated"
        listed = await victim.get("/account/security/passkeys")
        csrf = re.findall(r'name="csrf" value="([^"]*)"', listed.text)[-1]
        sent = {"csrf": csrf, "action": "add", "credential": mine}
        assert (await victim.post("/account/security/passkeys", data=sent)).status_code == 403
    assert await passkeys(idp, other) == []
    assert (await idp.submit(browser, page, credential=mine, action="login")).status_code == 200
    assert (await idp.submit(browser, page, credential=mine, action="login")).status_code == 303  # no longer due
    assert len(await passkeys(idp, sub)) == 1


async def test_form_of_another_ask_browser_or_site_adds_nothing(idp, browser, fields):
    sub = await idp.add_user()
    page = await after_password(idp, browser, sub)
    form = {**fields(page), "credential": Authenticator(ORIGIN).create(options(page)), "action": "login"}
    other = parse_qs(urlsplit(idp.ask(**DEMANDED)).query)["ask"][0]
    cookie = next(value for name, value in browser.cookies.items() if "login_" in name)
    browser.cookies.set(f"tessera_login_{hashlib.sha256(other.encode()).hexdigest()[:12]}", cookie)
    assert is_sent_to_the_start(await browser.post(SET_UP, data={**form, "ask": other}))
    async with idp.browser() as thief:
        assert is_sent_to_the_start(await thief.post(SET_UP, data=form))
        for name, value in browser.cookies.items():
            if "login_" in name:
                thief.cookies.set(name, value)
        await thief.get(idp.ask())
        assert is_sent_to_the_start(await thief.post(SET_UP, data=form))
    foreign = await browser.post(SET_UP, data=form, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    for csrf in ("", "x" * 43, fields(await browser.get(idp.ask()))["csrf"]):
        assert (await browser.post(SET_UP, data={**form, "csrf": csrf})).status_code == 403
    assert await passkeys(idp, sub) == []


async def test_login_that_began_too_long_ago_begins_anew(idp, browser):
    sub = await idp.add_user()
    page = await after_password(idp, browser, sub)
    await idp.parts.database.execute(
        "UPDATE idp.logins_under_way SET methods = jsonb_set(methods::jsonb, '{0,at}',"
        " to_jsonb((now() - interval '6 minutes')::text)) WHERE sub = $1",
        sub,
    )
    assert is_sent_to_the_start(await add(idp, browser, page, Authenticator(ORIGIN)))
    assert await passkeys(idp, sub) == []


async def test_session_that_is_old_shows_its_password_and_a_new_one_does_not(idp, browser):
    sub = await idp.add_user()
    await idp.log_in(browser, sub, acr=ACR_ONE_FACTOR)
    page = await browser.get(idp.ask(**DEMANDED))
    assert urlsplit(page.headers["location"]).path == SET_UP
    await idp.parts.database.execute(
        "UPDATE idp.sessions SET methods = '[]', auth_time = auth_time - interval '10 minutes' WHERE sub = $1", sub
    )
    page = await browser.get(idp.ask(**DEMANDED))
    assert page.status_code == 200
    assert 'name="password"' in page.text


async def test_several_factors_may_be_met_by_an_app_or_by_a_passkey(idp, browser):
    sub, device = await idp.add_user(), Authenticator(ORIGIN)
    page = await after_password(idp, browser, sub, acr=ACR_MULTI_FACTOR)
    assert page.url.path == SET_UP_APP
    link = re.search(r'id="set-up-passkey" href="([^"]*)"', page.text)
    assert link
    page = await browser.get(html.unescape(link[1]))
    assert page.url.path == SET_UP
    assert 'id="set-up-totp"' in page.text
    codes = await add(idp, browser, page, device)
    asked = await follow(browser, await idp.submit(browser, codes, action="continue"))
    assert idp.answer(await use(idp, browser, asked, device)).authentication.acr == ACR_PHISHING_RESISTANT


async def test_answers_sent_at_once_add_one_passkey(idp, browser):
    sub = await idp.add_user()
    page = await after_password(idp, browser, sub)
    credential = Authenticator(ORIGIN).create(options(page))
    await asyncio.gather(*(idp.submit(browser, page, credential=credential, action="login") for _ in range(4)))
    assert len(await passkeys(idp, sub)) == 1

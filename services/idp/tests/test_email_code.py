"""Codes by e-mail on the real application: for whom, once, for one login, and never a way round something stronger."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_idp.app import build_app
from tessera_idp.login_methods.method import EmailCodes
from tessera_idp.protocol.email_code import DIGITS, TRIES, code_hash, grouped, masked, written
from tessera_idp.store import factor_list, outbox
from tessera_shared import clock
from tessera_shared.claims import ACR_MULTI_FACTOR

ACCOUNT = "/account/security/email-codes"
PASSWORD = "correct horse battery staple"
KEY = b"k" * 32


@given(st.integers(0, 10**DIGITS - 1))
def test_code_is_the_same_however_it_is_typed(number):
    code = written(number)
    assert len(code) == DIGITS
    hashes = {code_hash(KEY, b"login", typed) for typed in (code, grouped(code), f" {code[:4]}-{code[4:]} ")}
    assert len(hashes) == 1


def test_hash_of_a_code_belongs_to_one_login():
    assert code_hash(KEY, b"a", "12345678") != code_hash(KEY, b"b", "12345678")
    assert code_hash(b"x" * 32, b"a", "12345678") != code_hash(KEY, b"a", "12345678")


def test_address_is_shown_to_whoever_knows_it():
    assert masked("alice@wonderland.example") == "a•••@wonderland.example"


@pytest.fixture
async def mails(idp, monkeypatch):
    """The codes that are queued, as they were written."""
    queued, add = [], outbox.add

    async def note(into, mail, template, content, now):
        if template == "email_code":
            queued.append(idp.parts.mailer.open(outbox.Waiting(mail, template, content, 0, now)))
        await add(into, mail, template, content, now)

    monkeypatch.setattr(outbox, "add", note)
    yield queued
    await idp.parts.database.execute("DELETE FROM idp.outbox")


@pytest.fixture
async def sub(idp) -> str:
    """A user with a verified address who asked for codes."""
    made = await idp.add_user(email=f"r{uuid4().hex}@wonderland.example", email_verified=True)
    await idp.parts.email_codes.store.turn_on(made, clock.now())
    return made


async def to_second_factor(idp, browser: httpx.AsyncClient, sub: str, **changes) -> httpx.Response:
    """Log in by password; the page of the second factor."""
    page = await browser.get(idp.ask(**changes))
    moved = await idp.submit(browser, page, username=sub, password=PASSWORD, action="login")
    assert moved.headers["location"].startswith("/oidc/v1/login/second-factor?"), moved.headers
    return await browser.get(moved.headers["location"])


async def have_sent(browser: httpx.AsyncClient, page: httpx.Response, fields) -> httpx.Response:
    """Press the button that has a code sent; the page for the code."""
    moved = await browser.post("/oidc/v1/login/email-code", data=fields(page))
    assert moved.status_code == 303, moved.text
    return await browser.get(moved.headers["location"])


def code_of(mail) -> str:
    found = re.search(r"^\d{4} \d{4}$", mail.text, re.MULTILINE)
    assert found, mail.text
    return found[0]


@pytest.mark.integration
async def test_code_by_mail_is_the_second_factor(idp, browser, mails, sub, fields):
    page = await to_second_factor(idp, browser, sub)
    assert mails == []
    assert "r•••@wonderland.example" in page.text
    page = await have_sent(browser, page, fields)
    (mail,) = mails
    assert mail.to.endswith("@wonderland.example")
    assert mail.subject == "Your code to log in"
    answer = idp.answer(await idp.submit(browser, page, code=code_of(mail), action="login"))
    assert answer.authentication.acr == ACR_MULTI_FACTOR
    assert answer.authentication.amr == ("pwd", "otp", "mca", "mfa")


@pytest.mark.integration
async def test_code_counts_once_in_the_login_it_was_sent_for(idp, browser, mails, sub, fields):
    page = await have_sent(browser, await to_second_factor(idp, browser, sub), fields)
    async with idp.browser() as other:
        elsewhere = await have_sent(other, await to_second_factor(idp, other, sub), fields)
        assert (await idp.submit(other, elsewhere, code=code_of(mails[0]), action="login")).status_code == 403
    assert (await idp.submit(browser, page, code=code_of(mails[0]), action="login")).status_code == 303
    again = await to_second_factor(idp, browser, sub, authenticated_after=2**40)
    assert (await idp.submit(browser, again, code=code_of(mails[0]), action="login")).status_code == 403


@pytest.mark.integration
async def test_only_the_newest_code_counts(idp, browser, mails, sub, fields):
    page = await have_sent(browser, await to_second_factor(idp, browser, sub), fields)
    page = await have_sent(browser, page, fields)
    old, new = [code_of(mail) for mail in mails]
    assert (await idp.submit(browser, page, code=old, action="login")).status_code == 403
    assert (await idp.submit(browser, page, code=new, action="login")).status_code == 303


@pytest.mark.integration
async def test_code_is_over_after_ten_minutes_and_after_a_few_tries(idp):
    store, now = idp.parts.email_codes.store, clock.now()
    for login, tries, later, counts in (
        (b"a" * 32, TRIES - 1, timedelta(minutes=9), True),
        (b"b" * 32, TRIES, timedelta(minutes=9), False),
        (b"c" * 32, 0, timedelta(minutes=10), False),
    ):
        async with store.transaction() as tx:
            await store.put(tx, login, b"right", now, now + timedelta(minutes=10))
        for _ in range(tries):
            assert not await store.use(login, [b"wrong"], now)
        assert await store.use(login, [b"right"], now + later) is counts


@pytest.mark.integration
async def test_code_that_is_sent_many_times_at_once_counts_once_and_wrong_ones_get_no_more_tries(idp):
    store, now = idp.parts.email_codes.store, clock.now()
    for login in (b"d" * 32, b"e" * 32):
        async with store.transaction() as tx:
            await store.put(tx, login, b"right", now, now + timedelta(minutes=10))
    assert sum(await asyncio.gather(*(store.use(b"d" * 32, [b"right"], now) for _ in range(TRIES)))) == 1
    await asyncio.gather(*(store.use(b"e" * 32, [b"wrong"], now) for _ in range(3 * TRIES)))
    left = await idp.parts.database.fetchval("SELECT tries_left FROM idp.email_codes WHERE login_hash = $1", b"e" * 32)
    assert left == 0


@pytest.mark.integration
async def test_codes_cannot_be_had_without_end(idp, browser, mails, sub, fields):
    page = await to_second_factor(idp, browser, sub)
    answers = [await browser.post("/oidc/v1/login/email-code", data=fields(page)) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [303] * 5 + [429] * 2
    assert "retry-after" in answers[-1].headers
    assert len(mails) == 5


@pytest.mark.integration
async def test_code_is_sent_only_from_the_page_of_a_login_under_way(idp, browser, mails, sub, fields):
    first = await browser.get(idp.ask())
    assert (await browser.post("/oidc/v1/login/email-code", data=fields(first))).status_code == 303
    page = await to_second_factor(idp, browser, sub)
    forged = await browser.post("/oidc/v1/login/email-code", data={**fields(page), "csrf": "x"})
    assert forged.headers["location"].startswith("/oidc/v1/login?")
    async with idp.browser() as thief:
        stolen = await thief.post("/oidc/v1/login/email-code", data=fields(page))
        assert stolen.headers["location"].startswith("/oidc/v1/login?")
    assert mails == []


@pytest.mark.integration
@pytest.mark.parametrize(
    "claims", [{"email": "x@example.com"}, {"email": "x@example.com", "email_verified": False}, {}]
)
async def test_no_code_goes_to_an_address_that_nobody_verified(idp, browser, claims):
    sub = await idp.add_user(**claims)
    await idp.parts.email_codes.store.turn_on(sub, clock.now())
    answer = await idp.log_in(browser, sub)
    assert answer.authentication.amr == ("pwd",)


@pytest.mark.integration
async def test_setting_switches_codes_off(idp, sub):
    codes = idp.parts.email_codes
    parts = replace(idp.parts, email_codes=EmailCodes(codes.store, codes.key, enabled=False))
    async with idp.browser(build_app(idp.config, parts, idp.master_key)) as browser:
        assert (await idp.log_in(browser, sub)).authentication.amr == ("pwd",)
        assert 'id="on"' not in (await browser.get(ACCOUNT)).text


@pytest.mark.integration
async def test_user_turns_codes_on_and_off_and_gets_recovery_codes(idp, browser, fields):
    sub = await idp.add_user(email="hatter@wonderland.example", email_verified=True)
    await idp.log_in(browser, sub)
    page = await browser.get(ACCOUNT)
    assert 'id="codes"' in (await browser.post(ACCOUNT, data={**fields(page), "action": "on"})).text
    page = await browser.get(ACCOUNT)
    assert 'id="off"' in page.text
    assert (await browser.post(ACCOUNT, data={**fields(page), "action": "off"})).status_code == 303
    assert 'id="on"' in (await browser.get(ACCOUNT)).text
    forged = await browser.post(ACCOUNT, data={"csrf": "x", "action": "on"})
    assert forged.status_code == 403
    assert not await idp.parts.email_codes.store.is_on(sub)


@pytest.mark.integration
async def test_code_is_no_way_round_an_authenticator_app(idp, browser, sub):
    await idp.parts.database.execute(
        "INSERT INTO idp.totp (id, sub, name, secret, last_step, created_at)"
        " VALUES (gen_random_uuid(), $1, 'App', 'x', 0, now())",
        sub,
    )
    page = await to_second_factor(idp, browser, sub)
    assert "email_code" not in page.text
    asked = httpx.URL(str(page.url)).copy_merge_params({"method": "email_code"})
    assert (await browser.get(asked)).status_code == 400


@pytest.mark.integration
async def test_operator_sees_codes_by_mail_and_turns_them_off(idp, browser, sub):
    (listed,) = await factor_list.list_of(idp.parts.database, sub)
    assert (listed["method"], listed["id"]) == ("email_code", "email_code")
    async with idp.parts.database.transaction() as tx:
        assert await factor_list.remove(tx, sub, "something else") == []
        assert [method for method, _id, _name in await factor_list.remove(tx, sub, "email_code")] == ["email_code"]
    assert (await idp.log_in(browser, sub)).authentication.amr == ("pwd",)

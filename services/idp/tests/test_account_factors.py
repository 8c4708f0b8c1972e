"""Users set up and remove authenticator apps and make recovery codes; operators help who lost them."""

import json
import re
import time
from datetime import timedelta
from uuid import uuid4

import pyotp
import pytest

from tessera_idp.commands import factors
from tessera_idp.commands.work import Work
from tessera_idp.login_methods.totp_set_up import LIFETIME, TotpSetUp
from tessera_idp.protocol.recovery_code import COUNT, digest, written
from tessera_idp.store.totp import Authenticator
from tessera_shared import clock
from tessera_shared.audit import Actor
from tessera_shared.command_line import CommandError
from tessera_shared.rotating_key import RotatingKey

TOTP = "/account/security/totp"
CODES = "/account/security/recovery-codes"


def test_recovery_code_has_80_bits_in_groups_and_is_known_again_however_it_is_typed():
    code = written(bytes(range(1, 11)))
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", code)
    assert digest(code) == digest(f" {code.lower().replace('-', ' ')} ")
    assert digest("O1") == digest("0L") == digest("oi")
    assert len({written(bytes([number] * 10)) for number in range(256)}) == 256


def test_what_was_offered_comes_back_for_the_same_user_in_time_and_unchanged():
    set_up, now = TotpSetUp(RotatingKey(bytes(32)), "Tessera", None), clock.now()
    offer = set_up.offer("ada", now)
    assert set_up.offered(offer.sealed, "ada", now + LIFETIME - timedelta(seconds=1)) == offer
    assert len(offer.secret) == 32  # base32 of 160 bits
    for sealed, sub, at in (
        (offer.sealed, "bob", now),
        (offer.sealed, "ada", now + LIFETIME),
        (offer.sealed[:-4] + "AAAA", "ada", now),
        ("ünsinn", "ada", now),
        ("", "ada", now),
        (None, "ada", now),
    ):
        assert set_up.offered(sealed, sub, at) is None
    assert offer.secret not in repr(offer)


def key_of(page):
    return re.search(r'id="key">([^<]+)<', page.text)[1].replace(" ", "")


def code_of(secret, step=0):
    if time.time() % 30 > 28:  # the step must not pass between here and there
        time.sleep(30 - time.time() % 30)
    return pyotp.TOTP(secret).at(clock.now(), counter_offset=step)


def actions(rows):
    return [(row["action"], json.loads(row["details"]).get("method")) for row in rows]


async def events(owner, sub):
    return await owner.fetch(
        "SELECT action, details FROM audit.events WHERE object_id = $1 AND object_type = 'factor' ORDER BY id", sub
    )


@pytest.mark.integration
async def test_app_is_set_up_by_its_first_code_and_recovery_codes_are_shown_once(idp, browser, database_as):
    sub = await idp.add_user()
    await idp.log_in(browser, sub)
    page = await browser.get(f"{TOTP}/new")
    assert "<svg" in page.text
    assert (await idp.submit(browser, page, code="000")).status_code == 403
    assert not await idp.parts.totp.has(sub)
    shown = await idp.submit(browser, page, code=code_of(key_of(page)), name="<b>Phone</b>")
    codes = re.findall(r"<code>([0-9A-Z-]{19})</code>", shown.text)
    assert (shown.status_code, len(codes)) == (200, COUNT)
    listed = await browser.get(TOTP)
    assert "&lt;b&gt;Phone&lt;/b&gt;" in listed.text
    assert codes[0] not in (await browser.get(CODES)).text
    assert await idp.parts.recovery_codes.left(sub) == COUNT
    owner = await database_as("owner")
    assert actions(await events(owner, sub)) == [("factor.added", "totp")]
    stored = await owner.fetch("SELECT hash FROM idp.recovery_codes WHERE sub = $1", sub)
    assert {bytes(row["hash"]) for row in stored} == {digest(code) for code in codes}


@pytest.mark.integration
async def test_form_that_sets_an_app_up_works_once_and_only_for_its_own_user(idp, browser):
    sub = await idp.add_user()
    await idp.log_in(browser, sub)
    page = await browser.get(f"{TOTP}/new")
    code = code_of(key_of(page))
    async with idp.browser() as other:
        await idp.log_in(other, await idp.add_user())
        theirs = await other.get(f"{TOTP}/new")
        stolen = re.search(r'name="offer" value="([^"]+)"', page.text)[1]
        assert (await idp.submit(other, theirs, offer=stolen, code=code)).status_code == 403
    assert (await idp.submit(browser, page, code=code)).status_code == 200
    again = await idp.submit(browser, page, code=code_of(key_of(page), 1))
    assert again.status_code == 409
    assert len(await idp.parts.totp.list_of(sub)) == 1


@pytest.mark.integration
async def test_recovery_codes_go_with_the_last_app_and_no_earlier(idp, browser):
    sub = await idp.add_user()
    await idp.log_in(browser, sub)
    for number in range(2):
        page = await browser.get(f"{TOTP}/new")
        sent = await idp.submit(browser, page, code=code_of(key_of(page)), name=f"App {number}")
        assert sent.status_code == (200, 303)[number]  # only the first one shows codes
    assert await idp.parts.recovery_codes.left(sub) == COUNT
    for left in (COUNT, 0):
        page = await browser.get(TOTP)
        removed = await idp.submit(browser, page)
        assert removed.headers["location"] == f"{TOTP}?done=removed"
        assert await idp.parts.recovery_codes.left(sub) == left
    assert not await idp.parts.totp.has(sub)


@pytest.mark.integration
async def test_new_recovery_codes_replace_the_old_and_need_a_factor(idp, browser):
    sub = await idp.add_user()
    await idp.log_in(browser, sub)
    assert 'id="renew"' not in (await browser.get(CODES)).text
    await add_app(idp, sub)
    await idp.parts.recovery_codes.replace(sub, [digest("OLD")], clock.now())
    page = await browser.get(CODES)
    assert 'id="left"' in page.text
    shown = await idp.submit(browser, page)
    assert len(re.findall(r"<code>[0-9A-Z-]{19}</code>", shown.text)) == COUNT
    assert not await idp.parts.recovery_codes.use(sub, digest("OLD"), clock.now())


async def add_app(idp, sub):
    made = str(uuid4())
    app = Authenticator(made, "Phone", pyotp.random_base32(), 0, clock.now(), None)
    assert await idp.parts.totp.add(sub, app)
    return made


@pytest.mark.integration
@pytest.mark.parametrize("path", [TOTP, f"{TOTP}/new", CODES])
async def test_factors_are_changed_only_after_a_fresh_login_and_by_forms_of_their_own(idp, browser, path):
    sub = await idp.add_user()
    await idp.log_in(browser, sub)
    made = await add_app(idp, sub)
    form = {"csrf": "x", "id": made, "code": "123456", "offer": "x"}
    assert (await browser.post(path, data=form)).status_code == 403
    foreign = await browser.post(path, data=form, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    await idp.parts.database.execute(
        "UPDATE idp.sessions SET auth_time = auth_time - interval '1 hour' WHERE sub = $1", sub
    )
    for answer in (await browser.get(path), await browser.post(path, data=form)):
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/oidc/v1/login?")
    assert await idp.parts.totp.has(sub)


@pytest.mark.integration
async def test_nobody_removes_an_app_of_another_user(idp):
    victim = await idp.add_user()
    theirs = await add_app(idp, victim)
    sub = await idp.add_user()
    await add_app(idp, sub)
    assert await idp.parts.totp.remove(sub, theirs) is None
    assert await idp.parts.totp.has(victim)


@pytest.mark.integration
async def test_user_has_at_most_ten_apps(idp):
    sub = await idp.add_user()
    for _ in range(10):
        await add_app(idp, sub)
    app = Authenticator(str(uuid4()), "Phone", pyotp.random_base32(), 0, clock.now(), None)
    assert not await idp.parts.totp.add(sub, app)


@pytest.mark.integration
async def test_operator_lists_and_removes_the_factors_of_a_user_who_lost_them(idp, browser, database_as):
    sub = await idp.add_user()
    first, _second = await add_app(idp, sub), await add_app(idp, sub)
    await idp.parts.recovery_codes.replace(sub, [digest("A")], clock.now())
    work = Work(idp.config, idp.parts.database, idp.parts.redis, Actor("idp", "operator:test", "host"))
    listed = await factors.list_factors(work, sub)
    assert [line["method"] for line in listed] == ["totp", "totp", "recovery_code"]
    assert "secret" not in json.dumps(listed, default=str)
    for arguments in ({}, {"factor": first, "everything": True}, {"factor": str(uuid4())}):
        with pytest.raises(CommandError):
            await factors.remove(work, sub, **arguments)
    assert (await factors.remove(work, sub, first))["removed"] == [first]
    assert await idp.parts.recovery_codes.left(sub) == 1
    await factors.remove(work, sub, everything=True)
    assert await factors.list_factors(work, sub) == []
    assert (await idp.log_in(browser, sub)).outcome == "authenticated"
    owner = await database_as("owner")
    assert actions(await events(owner, sub)) == [("factor.removed", "totp")] * 2

"""A login in stages: after the password comes a second factor, and no stage can be skipped, moved or repeated."""

import asyncio
import hashlib
import re
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pyotp
import pytest

from tessera_idp.protocol.recovery_code import digest
from tessera_idp.store.totp import Authenticator
from tessera_shared import clock
from tessera_shared.claims import ACR_MULTI_FACTOR, ACR_ONE_FACTOR, ACR_PHISHING_RESISTANT

pytestmark = pytest.mark.integration

SECOND = "/oidc/v1/login/second-factor"
SET_UP = "/oidc/v1/login/set-up/totp"
SET_UP_PASSKEY = "/oidc/v1/login/set-up/passkey"


class Person:
    """A user with an authenticator app."""

    def __init__(self, sub):
        self.sub = sub
        self.secret = pyotp.random_base32()

    def code(self, step=0):
        """The code of this step, of the one before or of the next one."""
        if time.time() % 30 > 29:  # the step must not pass between here and there
            time.sleep(30 - time.time() % 30)
        return pyotp.TOTP(self.secret).at(clock.now(), counter_offset=step)


async def person(idp, **claims):
    made = Person(await idp.add_user(**claims))
    added = Authenticator(str(uuid4()), "Phone", made.secret, 0, clock.now(), None)
    assert await idp.parts.totp.add(made.sub, added)
    return made


async def password_stage(idp, browser, who, **changes):
    """The page that follows the password."""
    page = await browser.get(idp.ask(**changes))
    assert page.status_code == 200, page.text
    return await follow(browser, await send_password(idp, browser, page, who))


async def send_password(idp, browser, page, who):
    return await idp.submit(
        browser, page, username=getattr(who, "sub", who), password="correct horse battery staple", action="login"
    )


async def follow(browser, response):
    assert response.status_code == 303, response.text
    return await browser.get(response.headers["location"])


def is_sent_to_the_start(response):
    return response.status_code == 303 and urlsplit(response.headers["location"]).path == "/oidc/v1/login"


async def test_user_with_an_app_is_asked_for_its_code_and_then_has_logged_in_with_two_factors(idp, browser):
    who = await person(idp)
    page = await password_stage(idp, browser, who, step="step-1")
    assert page.url.path == SECOND
    assert "tessera_session" not in browser.cookies
    answer = idp.answer(await idp.submit(browser, page, code=who.code(), action="login"))
    assert (answer.step, answer.outcome, answer.authentication.sub) == ("step-1", "authenticated", who.sub)
    assert answer.authentication.acr == ACR_MULTI_FACTOR
    assert answer.authentication.amr == ("pwd", "otp", "mfa")
    assert await idp.is_logged_in(browser)
    row = await idp.parts.database.fetchval("SELECT count(*) FROM idp.logins_under_way WHERE sub = $1", who.sub)
    assert row == 0


async def test_password_alone_is_no_session(idp, browser):
    await password_stage(idp, browser, await person(idp))
    assert not await idp.is_logged_in(browser)


async def test_wrong_code_is_refused_recorded_and_may_be_tried_again(idp, browser):
    who = await person(idp)
    page = await password_stage(idp, browser, who)
    for wrong in ("000000" if who.code() != "000000" else "000001", "", "12345", "x" * 40, "١٢٣٤٥٦"):
        refused = await idp.submit(browser, page, code=wrong, action="login")
        assert refused.status_code == 403
        assert 'role="alert"' in refused.text
        await idp.parts.database.execute("UPDATE idp.logins_under_way SET attempts = 0 WHERE sub = $1", who.sub)
    assert not await idp.is_logged_in(browser)


@pytest.mark.parametrize("step", [-1, 0, 1])
async def test_clocks_may_differ_by_one_step(idp, browser, step):
    who = await person(idp)
    page = await password_stage(idp, browser, who)
    assert idp.answer(await idp.submit(browser, page, code=who.code(step), action="login")).outcome == "authenticated"


@pytest.mark.parametrize("step", [-3, 3])
async def test_code_of_another_time_is_refused(idp, browser, step):
    who = await person(idp)
    page = await password_stage(idp, browser, who)
    assert (await idp.submit(browser, page, code=who.code(step), action="login")).status_code == 403


async def test_code_works_once_and_so_does_none_before_it(idp, browser):
    who = await person(idp)
    page, code, earlier = await password_stage(idp, browser, who), who.code(), who.code(-1)
    assert (await idp.submit(browser, page, code=code, action="login")).status_code == 303
    async with idp.browser() as other:
        again = await password_stage(idp, other, who)
        assert (await idp.submit(other, again, code=code, action="login")).status_code == 403
        assert (await idp.submit(other, again, code=earlier, action="login")).status_code == 403
        assert not await idp.is_logged_in(other)


async def test_one_code_sent_from_two_logins_at_once_begins_one_session(idp):
    who = await person(idp)
    async with idp.browser() as first, idp.browser() as second:
        pages = [await password_stage(idp, each, who) for each in (first, second)]
        code = who.code()
        answers = await asyncio.gather(
            *(
                idp.submit(each, page, code=code, action="login")
                for each, page in zip((first, second), pages, strict=True)
            )
        )
    assert sorted(answer.status_code for answer in answers) == [303, 403]


async def test_two_good_codes_sent_at_once_in_one_login_begin_one_session(idp, browser):
    who = await person(idp)
    codes = [f"CODE-{number}-{uuid4()}" for number in range(2)]
    await idp.parts.recovery_codes.replace(who.sub, [digest(code) for code in codes], clock.now())
    page = await password_stage(idp, browser, who)
    sent = [idp.submit(browser, page, method="recovery_code", code=code, action="login") for code in codes]
    answers = await asyncio.gather(*sent)
    began = await idp.parts.database.fetchval("SELECT count(*) FROM idp.sessions WHERE sub = $1", who.sub)
    assert began == 1
    assert sum(is_sent_to_the_start(answer) for answer in answers) == 1


async def test_recovery_code_works_once_however_it_is_typed(idp, browser):
    who = await person(idp)
    await idp.parts.recovery_codes.replace(
        who.sub, [digest(code) for code in ("ABCD-EFGH-JKMN-P0R1", "SECOND")], clock.now()
    )
    page = await password_stage(idp, browser, who)
    assert 'id="use-recovery_code"' in page.text
    typed = {"method": "recovery_code", "code": " abcd efgh jkmn pori ", "action": "login"}
    answer = idp.answer(await idp.submit(browser, page, **typed))
    assert answer.authentication.acr == ACR_MULTI_FACTOR
    async with idp.browser() as other:
        again = await password_stage(idp, other, who)
        assert (await idp.submit(other, again, **typed)).status_code == 403
        last = {**typed, "code": "SECOND"}
        assert (await idp.submit(other, again, **last)).status_code == 303
    async with idp.browser() as third:
        again = await password_stage(idp, third, who)
        assert 'id="use-recovery_code"' not in again.text
        assert (await idp.submit(third, again, **last)).status_code == 400


async def test_method_that_is_not_the_users_cannot_be_chosen(idp, browser):
    page = await password_stage(idp, browser, await person(idp))
    for method in ("recovery_code", "password", "telepathy"):
        assert (await idp.submit(browser, page, method=method, code="1", action="login")).status_code == 400
    assert not await idp.is_logged_in(browser)


async def test_after_five_wrong_codes_the_login_begins_anew_with_the_password(idp, browser):
    who = await person(idp)
    page = await password_stage(idp, browser, who)
    for _ in range(5):
        assert (await idp.submit(browser, page, code="x", action="login")).status_code == 403
    assert is_sent_to_the_start(await idp.submit(browser, page, code=who.code(), action="login"))
    assert not await idp.is_logged_in(browser)


async def test_many_codes_sent_at_once_are_no_more_than_the_tries(idp, browser):
    page = await password_stage(idp, browser, await person(idp))
    answers = await asyncio.gather(*(idp.submit(browser, page, code="x", action="login") for _ in range(20)))
    assert sum(answer.status_code == 403 for answer in answers) == 5


async def test_second_stage_without_the_first_leads_to_the_start(idp, browser, fields):
    ask = parse_qs(urlsplit(idp.ask()).query)["ask"][0]
    for path in (SECOND, SET_UP, SET_UP_PASSKEY):
        assert is_sent_to_the_start(await browser.get(path, params={"ask": ask}))
        form = {"ask": ask, "csrf": "x", "code": "123456", "action": "login"}
        assert is_sent_to_the_start(await browser.post(path, data=form))
        page = await browser.get(idp.ask())
        form = {**fields(page), "code": "123456", "action": "login", "method": "totp"}
        assert is_sent_to_the_start(await browser.post(path, data=form))
        assert is_sent_to_the_start(await browser.post(path, data={**form, "action": "continue"}))


async def test_second_stage_of_another_ask_leads_to_the_start(idp, browser, fields):
    who = await person(idp)
    page = await password_stage(idp, browser, who)
    other = fields(await browser.get(idp.ask()))["ask"]
    form = {**fields(page), "ask": other, "code": who.code(), "action": "login"}
    assert is_sent_to_the_start(await browser.post(SECOND, data=form))
    cookie = next(value for name, value in browser.cookies.items() if "login_" in name)
    browser.cookies.set(f"tessera_login_{hashlib.sha256(other.encode()).hexdigest()[:12]}", cookie)
    assert is_sent_to_the_start(await browser.post(SECOND, data=form))
    assert is_sent_to_the_start(await browser.get(SECOND, params={"ask": other}))
    assert not await idp.is_logged_in(browser)


async def test_second_stage_in_another_browser_leads_to_the_start(idp, browser, fields):
    who = await person(idp)
    page = await password_stage(idp, browser, who)
    form = {**fields(page), "code": who.code(), "action": "login"}
    stolen = {name: value for name, value in browser.cookies.items() if "login_" in name}
    assert stolen
    async with idp.browser() as thief:
        assert is_sent_to_the_start(await thief.post(SECOND, data=form))
        for name, value in stolen.items():
            thief.cookies.set(name, value)
        assert is_sent_to_the_start(await thief.post(SECOND, data=form))
        await thief.get(idp.ask())
        assert is_sent_to_the_start(await thief.post(SECOND, data=form))
        assert not await idp.is_logged_in(thief)


async def test_second_stage_without_its_token_is_refused_and_shown_again(idp, browser, fields):
    who = await person(idp)
    page = await password_stage(idp, browser, who)
    form = {**fields(page), "code": who.code(), "action": "login"}
    for csrf in ("", "x" * 43, fields(await browser.get(idp.ask()))["csrf"]):
        refused = await browser.post(SECOND, data={**form, "csrf": csrf})
        assert refused.status_code == 403
    foreign = await browser.post(SECOND, data=form, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert not await idp.is_logged_in(browser)
    assert (await browser.post(SECOND, data=form)).status_code == 303


async def test_second_stage_sent_twice_answers_once(idp, browser):
    who = await person(idp)
    page = await password_stage(idp, browser, who)
    assert idp.answer(await idp.submit(browser, page, code=who.code(), action="login")).outcome == "authenticated"
    assert is_sent_to_the_start(await idp.submit(browser, page, code=who.code(1), action="login"))


async def test_second_stage_after_its_time_leads_to_the_start(idp, browser):
    who = await person(idp)
    page = await password_stage(idp, browser, who)
    await idp.parts.database.execute(
        "UPDATE idp.logins_under_way SET expires_at = $2 WHERE sub = $1", who.sub, clock.now() - timedelta(seconds=1)
    )
    assert is_sent_to_the_start(await idp.submit(browser, page, code=who.code(), action="login"))
    assert is_sent_to_the_start(await browser.get(str(page.url)))


async def test_user_disabled_between_the_stages_is_sent_to_the_start(idp, browser):
    who = await person(idp)
    page = await password_stage(idp, browser, who)
    await idp.disable(who.sub)
    assert is_sent_to_the_start(await idp.submit(browser, page, code=who.code(), action="login"))


async def test_cancelled_login_answers_denied_and_cannot_go_on(idp, browser):
    who = await person(idp)
    page = await password_stage(idp, browser, who)
    assert idp.answer(await idp.submit(browser, page, action="deny")).outcome == "denied"
    assert is_sent_to_the_start(await idp.submit(browser, page, code=who.code(), action="login"))


async def test_two_tabs_of_one_browser_do_not_disturb_each_other(idp, browser):
    who = await person(idp)
    first, second = await password_stage(idp, browser, who), await password_stage(idp, browser, who)
    for page, step in ((first, 0), (second, 1)):
        answer = idp.answer(await idp.submit(browser, page, code=who.code(step), action="login"))
        assert answer.outcome == "authenticated"


async def test_cookie_planted_before_the_login_is_worth_nothing(idp, browser):
    """Who knows a cookie that was put into a browser cannot go on with the login that follows there."""
    who = await person(idp)
    first = await password_stage(idp, browser, who)
    planted = {name: value for name, value in browser.cookies.items() if "login_" in name}
    page = await browser.get(f"/oidc/v1/login?{urlsplit(str(first.url)).query}")
    await send_password(idp, browser, page, who)
    assert planted != {name: value for name, value in browser.cookies.items() if "login_" in name}


async def test_only_hashes_are_stored_and_the_secret_is_sealed(idp, browser):
    who = await person(idp)
    await password_stage(idp, browser, who)
    database = idp.parts.database
    login = await database.fetchrow("SELECT * FROM idp.logins_under_way WHERE sub = $1", who.sub)
    stored = await database.fetchrow("SELECT * FROM idp.totp WHERE sub = $1", who.sub)
    for value in browser.cookies.values():
        assert value not in str(dict(login))
    assert who.secret.encode() not in bytes(stored["secret"])


async def test_logins_that_are_over_are_purged(idp, browser):
    who = await person(idp)
    await password_stage(idp, browser, who)
    await idp.parts.logins.purge(clock.now())
    count = "SELECT count(*) FROM idp.logins_under_way WHERE sub = $1"
    assert await idp.parts.database.fetchval(count, who.sub) == 1
    await idp.parts.logins.purge(clock.now() + timedelta(minutes=11))
    assert await idp.parts.database.fetchval(count, who.sub) == 0


async def test_session_at_one_factor_rises_by_the_second_alone_and_keeps_its_sid(idp, browser):
    sub = await idp.add_user()
    before = await idp.log_in(browser, sub)
    assert before.authentication.acr == ACR_ONE_FACTOR
    who = Person(sub)
    added = Authenticator(str(uuid4()), "Phone", who.secret, 0, clock.now(), None)
    await idp.parts.totp.add(sub, added)
    await asyncio.sleep(1.1)
    page = await follow(browser, await browser.get(idp.ask(acr=ACR_MULTI_FACTOR)))
    assert page.url.path == SECOND
    assert 'name="password"' not in page.text
    after = idp.answer(await idp.submit(browser, page, code=who.code(), action="login"))
    assert after.authentication.sid == before.authentication.sid
    assert after.authentication.acr == ACR_MULTI_FACTOR
    assert after.authentication.amr == ("pwd", "otp", "mfa")
    assert after.authentication.auth_time > before.authentication.auth_time
    silent = idp.answer(await browser.get(idp.ask(acr=ACR_MULTI_FACTOR, acr_essential=True, silent=True)))
    assert (silent.outcome, silent.authentication) == ("authenticated", after.authentication)


async def test_voluntary_level_that_nobody_can_reach_goes_on_with_what_there_is(idp, browser):
    answer = await idp.log_in(browser, await idp.add_user(), acr=ACR_MULTI_FACTOR)
    assert (answer.outcome, answer.authentication.acr) == ("authenticated", ACR_ONE_FACTOR)
    again = idp.answer(await browser.get(idp.ask(acr=ACR_MULTI_FACTOR)))
    assert again.authentication == answer.authentication


async def test_silent_ask_for_a_level_is_answered_by_what_the_session_has(idp, browser):
    await idp.log_in(browser, (await idp.add_user()))
    voluntary = idp.answer(await browser.get(idp.ask(acr=ACR_MULTI_FACTOR, silent=True)))
    assert voluntary.outcome == "authenticated"
    essential = idp.answer(await browser.get(idp.ask(acr=ACR_MULTI_FACTOR, acr_essential=True, silent=True)))
    assert essential.outcome == "no_session"


async def test_essential_level_lets_a_user_set_an_app_up_shows_recovery_codes_once_and_is_reached(idp, browser):
    sub = await idp.add_user()
    page = await password_stage(idp, browser, sub, acr=ACR_MULTI_FACTOR, acr_essential=True, step="step-9")
    assert page.url.path == SET_UP
    who = Person(sub)
    who.secret = re.search(r'id="key">([^<]+)<', page.text)[1].replace(" ", "")
    assert "<svg" in page.text
    wrong = await idp.submit(browser, page, code="nonsense", action="login")
    assert wrong.status_code == 403
    assert not await idp.parts.totp.has(sub)
    codes = await idp.submit(browser, page, code=who.code(-1), name="  My   phone ", action="login")
    assert codes.status_code == 200
    assert len(re.findall(r"<code>[0-9A-Z-]{19}</code>", codes.text)) == 10
    assert not await idp.is_logged_in(browser)
    answer = idp.answer(await idp.submit(browser, codes, action="continue"))
    assert (answer.step, answer.authentication.acr) == ("step-9", ACR_MULTI_FACTOR)
    assert [each.name for each in await idp.parts.totp.list_of(sub)] == ["My phone"]
    assert is_sent_to_the_start(await idp.submit(browser, codes, action="continue"))


async def test_nothing_is_continued_before_the_app_is_set_up(idp, browser):
    sub = await idp.add_user()
    page = await password_stage(idp, browser, sub, acr=ACR_MULTI_FACTOR, acr_essential=True)
    answer = await idp.submit(browser, page, action="continue")
    assert is_sent_to_the_start(answer)
    assert not await idp.is_logged_in(browser)


async def test_user_who_sets_nothing_up_does_not_meet_an_essential_level(idp, browser):
    page = await password_stage(idp, browser, await idp.add_user(), acr=ACR_MULTI_FACTOR, acr_essential=True)
    assert idp.answer(await idp.submit(browser, page, action="deny")).outcome == "unmet"
    assert not await idp.is_logged_in(browser)


async def test_secret_offered_to_another_user_is_not_taken(idp, browser, fields):
    wanted = {"acr": ACR_MULTI_FACTOR, "acr_essential": True}
    sub, other = await idp.add_user(), await idp.add_user()
    page = await password_stage(idp, browser, sub, **wanted)
    async with idp.browser() as attacker:
        theirs = await password_stage(idp, attacker, other, **wanted)
        known = re.search(r'id="key">([^<]+)<', theirs.text)[1].replace(" ", "")
    code = pyotp.TOTP(known).at(clock.now())
    refused = await idp.submit(browser, page, offer=fields(theirs)["offer"], code=code, action="login")
    assert refused.status_code == 403
    assert not await idp.parts.totp.has(sub)


async def test_old_session_must_show_its_password_before_it_sets_something_up(idp, browser):
    sub = await idp.add_user()
    await idp.log_in(browser, sub)
    await idp.parts.database.execute(
        "UPDATE idp.sessions SET methods = '[]', auth_time = auth_time - interval '10 minutes' WHERE sub = $1", sub
    )
    page = await browser.get(idp.ask(acr=ACR_MULTI_FACTOR, acr_essential=True))
    assert page.status_code == 200
    assert 'name="password"' in page.text


async def test_level_that_nothing_reaches_is_unmet(idp, browser):
    page = await browser.get(idp.ask(acr="urn:example:iris", acr_essential=True))
    assert idp.answer(await send_password(idp, browser, page, await idp.add_user())).outcome == "unmet"


async def test_user_shows_an_app_before_a_stronger_factor_is_demanded(idp, browser):
    who = await person(idp)
    page = await password_stage(idp, browser, who, acr=ACR_PHISHING_RESISTANT, acr_essential=True)
    assert page.url.path == SECOND

"""The sessions that come of logins: known by a cookie, bound to one browser, and over when they should be."""

import asyncio
import hashlib
from datetime import timedelta

import pytest

from tessera_shared import clock

pytestmark = pytest.mark.integration


async def log_in_page(idp, browser, **changes):
    page = await browser.get(idp.ask(**changes))
    assert page.status_code == 200, page.text
    return page


async def test_session_cookie_is_kept_from_scripts_and_other_sites(idp, browser, password):
    page = await log_in_page(idp, browser)
    response = await idp.submit(browser, page, username=await idp.add_user(), password=password, action="login")
    cookies = [cookie.split("; ") for cookie in response.headers.get_list("set-cookie")]
    attributes = next(rest for name, *rest in cookies if name.startswith("tessera_session="))
    assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=lax"}
    assert response.headers["cache-control"] == "no-store"


async def test_only_the_hash_of_the_cookie_is_stored(idp, browser):
    answer = await idp.log_in(browser, await idp.add_user())
    row = await idp.parts.database.fetchrow("SELECT * FROM idp.sessions WHERE sid = $1", answer.authentication.sid)
    cookie = browser.cookies["tessera_session"]
    assert len(cookie) >= 43  # 256 bits, base64url
    assert row["cookie_hash"] == hashlib.sha256(cookie.encode()).digest()
    assert cookie not in str(dict(row))


async def test_a_cookie_that_was_there_before_the_login_is_not_kept(idp, browser):
    browser.cookies.set("tessera_session", "chosen by an attacker")
    await idp.log_in(browser, await idp.add_user())
    async with idp.browser() as attacker:
        attacker.cookies.set("tessera_session", "chosen by an attacker")
        assert not await idp.is_logged_in(attacker)


async def test_same_user_again_keeps_the_sid_and_gets_a_new_cookie(idp, browser):
    sub = await idp.add_user()
    first = await idp.log_in(browser, sub)
    old_cookie = browser.cookies["tessera_session"]
    await asyncio.sleep(1.1)
    again = await idp.log_in(browser, sub, authenticated_after=clock.seconds(clock.now()))
    assert again.authentication.sid == first.authentication.sid
    assert again.authentication.auth_time > first.authentication.auth_time
    assert browser.cookies["tessera_session"] != old_cookie
    async with idp.browser() as thief:
        thief.cookies.set("tessera_session", old_cookie)
        assert not await idp.is_logged_in(thief)
    assert await idp.is_logged_in(browser)


async def test_another_user_gets_a_new_session_and_the_old_one_ends_with_its_grants(idp, browser):
    sub, other = await idp.add_user(), await idp.add_user()
    first = await idp.log_in(browser, sub)
    old_cookie = browser.cookies["tessera_session"]
    grant_id = await idp.add_grant(await idp.add_client(), sub, first.authentication.sid)
    second = await idp.log_in(browser, other, authenticated_after=clock.seconds(clock.now()) + 1)
    assert second.authentication.sub == other
    assert second.authentication.sid != first.authentication.sid
    async with idp.browser() as thief:
        thief.cookies.set("tessera_session", old_cookie)
        assert not await idp.is_logged_in(thief)
    assert await idp.authz.fetchval("SELECT revoked_at IS NOT NULL FROM authz.grants WHERE id = $1", grant_id)


async def test_silent_without_a_session_answers_no_session(idp, browser):
    answer = idp.answer(await browser.get(idp.ask(silent=True, step="step-3")))
    assert (answer.step, answer.outcome) == ("step-3", "no_session")


async def test_live_session_answers_at_once_with_its_own_auth_time(idp, browser):
    first = await idp.log_in(browser, await idp.add_user())
    for silent in (True, False):
        answer = idp.answer(await browser.get(idp.ask(silent=silent)))
        assert answer.outcome == "authenticated"
        assert answer.authentication == first.authentication


async def test_login_older_than_asked_for_shows_the_page_or_answers_no_session(idp, browser):
    sub = await idp.add_user()
    answer = await idp.log_in(browser, sub)
    after = answer.authentication.auth_time + 1
    page = await log_in_page(idp, browser, authenticated_after=after)
    assert f'value="{sub}"' in page.text
    assert idp.answer(await browser.get(idp.ask(silent=True, authenticated_after=after))).outcome == "no_session"
    before = answer.authentication.auth_time - 1
    assert idp.answer(await browser.get(idp.ask(authenticated_after=before))).outcome == "authenticated"


async def test_session_that_expired_or_whose_user_was_disabled_is_none(idp, browser):
    sub = await idp.add_user()
    answer = await idp.log_in(browser, sub)
    sql = "UPDATE idp.sessions SET expires_at = now() + $2::interval WHERE sid = $1"
    await idp.parts.database.execute(sql, answer.authentication.sid, timedelta(seconds=-1))
    assert not await idp.is_logged_in(browser)
    await idp.parts.database.execute(sql, answer.authentication.sid, timedelta(hours=1))
    assert await idp.is_logged_in(browser)
    await idp.disable(sub)
    assert not await idp.is_logged_in(browser)


async def test_parallel_logins_of_one_browser_leave_one_cookie_that_works(idp, browser, password):
    sub = await idp.add_user()
    await idp.log_in(browser, sub)
    page = await log_in_page(idp, browser, authenticated_after=clock.seconds(clock.now()) + 60)
    answers = await asyncio.gather(
        *(idp.submit(browser, page, username=sub, password=password, action="login") for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {303}
    assert await idp.is_logged_in(browser)


async def test_purge_forgets_sessions_that_are_over_and_no_others(idp, browser):
    over, live = await idp.log_in(browser, await idp.add_user()), None
    async with idp.browser() as other:
        live = await idp.log_in(other, await idp.add_user())
        sql = "UPDATE idp.sessions SET expires_at = now() - interval '1 second' WHERE sid = $1"
        await idp.parts.database.execute(sql, over.authentication.sid)
        await idp.parts.sessions.purge(clock.now())
        assert await idp.is_logged_in(other)
    kept = await idp.parts.database.fetch("SELECT sid FROM idp.sessions")
    sids = {row["sid"] for row in kept}
    assert live.authentication.sid in sids
    assert over.authentication.sid not in sids

"""Whose account is used: the one that is logged in, or, where the user chooses so, another."""

import re
from html import unescape

import pytest

pytestmark = pytest.mark.integration


def link(page, name):
    found = re.search(rf'id="{name}" href="([^"]+)"', page.text)
    assert found, page.text
    return unescape(found[1])


async def test_chooser_shows_who_is_logged_in_and_goes_on_with_that_account(idp, browser):
    first = await idp.log_in(browser, await idp.add_user(name="Ada Lovelace"))
    page = await browser.get(idp.ask(select_account=True, step="step-1"))
    assert page.status_code == 200
    assert "Ada Lovelace" in page.text
    assert 'name="password"' not in page.text
    answer = idp.answer(await browser.get(link(page, "this-account")))
    assert (answer.step, answer.authentication) == ("step-1", first.authentication)


async def test_another_account_logs_in_and_only_then_the_first_session_ends(idp, browser, password):
    first, other = await idp.add_user(), await idp.add_user()
    await idp.log_in(browser, first)
    page = await browser.get(link(await browser.get(idp.ask(select_account=True)), "another-account"))
    assert 'name="password"' in page.text
    assert first not in page.text
    assert await idp.is_logged_in(browser)
    answer = idp.answer(await idp.submit(browser, page, username=other, password=password, action="login"))
    assert answer.authentication.sub == other


async def test_nobody_logged_in_sees_the_login_page_at_once(idp, browser):
    assert 'name="password"' in (await browser.get(idp.ask(select_account=True))).text


async def test_old_login_is_asked_for_again_after_the_choice(idp, browser):
    await idp.log_in(browser, await idp.add_user())
    page = await browser.get(idp.ask(select_account=True, authenticated_after=2**40))
    assert 'name="password"' in (await browser.get(link(page, "this-account"))).text


async def test_consent_page_offers_another_account_and_answers_the_same_step_with_its_login(idp, browser, password):
    first, other = await idp.add_user(), await idp.add_user()
    known = (await idp.log_in(browser, first)).authentication
    asked = {"want": "consent", "sub": known.sub, "sid": known.sid, "step": "step-2"}
    consent = await browser.get(idp.ask(**asked))
    page = await browser.get(link(consent, "another-account"))
    assert 'name="password"' in page.text
    sent = await idp.submit(browser, page, username=other, password=password, action="login")
    answer = idp.answer(sent)
    assert (answer.step, answer.outcome, answer.authentication.sub) == ("step-2", "authenticated", other)
    again = await idp.submit(browser, consent, action="allow")
    assert idp.answer(again).outcome == "session_ended"


async def test_consent_is_asked_for_on_its_own_page_unless_another_account_is_chosen(idp, browser):
    known = (await idp.log_in(browser, await idp.add_user())).authentication
    ask = idp.ask(want="consent", sub=known.sub, sid=known.sid).replace("/oidc/v1/consent", "/oidc/v1/login")
    assert (await browser.get(ask)).status_code == 400
    assert (await browser.get(f"{ask}&account=another")).status_code == 200

"""The consent page: only the user who saw it can decide."""

import pytest

from tessera_shared.handoff import ClientDisplay

pytestmark = pytest.mark.integration


async def logged_in(idp, browser, **claims):
    return (await idp.log_in(browser, await idp.add_user(**claims))).authentication


def consent(idp, authentication, **changes):
    return idp.ask("consent", sub=authentication.sub, sid=authentication.sid, **changes)


async def test_allow_answers_the_scope_that_was_shown(idp, browser):
    who = await logged_in(idp, browser)
    page = await browser.get(consent(idp, who, step="step-1", scope=("openid", "email")))
    answer = idp.answer(await idp.submit(browser, page, action="allow"))
    assert (answer.step, answer.outcome, answer.scope) == ("step-1", "consented", ("openid", "email"))


async def test_deny_answers_denied(idp, browser):
    page = await browser.get(consent(idp, await logged_in(idp, browser)))
    answer = idp.answer(await idp.submit(browser, page, action="deny"))
    assert (answer.outcome, answer.scope) == ("denied", ())


async def test_form_that_says_neither_is_refused(idp, browser):
    page = await browser.get(consent(idp, await logged_in(idp, browser)))
    assert (await idp.submit(browser, page)).status_code == 400
    assert (await idp.submit(browser, page, action="later")).status_code == 400


async def test_page_shows_the_client_the_user_and_what_each_scope_means(idp, browser):
    client = ClientDisplay(
        "shop",
        "Shop",
        "https://shop.example",
        "https://shop.example/l.png",
        "https://shop.example/p",
        "https://t.example",
    )
    who = await logged_in(idp, browser, name="Ada Lovelace")
    scope = ("openid", "profile", "email", "address", "phone", "offline_access", "read:books")
    page = await browser.get(consent(idp, who, client=client, scope=scope))
    for text in ("Shop", "Ada Lovelace", who.sub, "https://shop.example/p", "https://t.example", "read:books"):
        assert text in page.text
    assert page.text.count("<li data-scope=") == len(scope)
    assert "http://localhost:3000" in page.text


async def test_what_a_client_registered_is_escaped_and_only_web_links_are_links(idp, browser):
    client = ClientDisplay(
        "evil", "<script>alert(1)</script>", "javascript:alert(1)", "data:image/svg+xml,x", "javascript:alert(2)", "//x"
    )
    page = await browser.get(consent(idp, await logged_in(idp, browser), client=client))
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert "javascript:" not in page.text
    assert "data:" not in page.text


async def test_get_with_an_action_allows_nothing(idp, browser, fields):
    url = consent(idp, await logged_in(idp, browser))
    csrf = fields(await browser.get(url))["csrf"]
    assert (await browser.get(f"{url}&csrf={csrf}&action=allow")).status_code == 200


async def test_without_the_session_the_answer_is_session_ended(idp, browser):
    who = await logged_in(idp, browser)
    page = await browser.get(consent(idp, who))
    browser.cookies.delete("tessera_session")
    assert idp.answer(await browser.get(consent(idp, who))).outcome == "session_ended"
    assert idp.answer(await idp.submit(browser, page, action="allow")).outcome == "session_ended"


async def test_another_users_session_cannot_consent(idp, browser):
    who = await logged_in(idp, browser)
    page = await browser.get(consent(idp, who))
    async with idp.browser() as other:
        await logged_in(idp, other)
        assert idp.answer(await other.get(consent(idp, who))).outcome == "session_ended"
        assert idp.answer(await idp.submit(other, page, action="allow")).outcome == "session_ended"


async def test_another_session_of_the_same_user_cannot_consent(idp, browser):
    sub = await idp.add_user()
    who = (await idp.log_in(browser, sub)).authentication
    async with idp.browser() as other:
        await idp.log_in(other, sub)
        assert idp.answer(await other.get(consent(idp, who))).outcome == "session_ended"


async def test_form_without_its_own_token_is_refused_and_shown_again(idp, browser, fields):
    who = await logged_in(idp, browser)
    page = await browser.get(consent(idp, who))
    login_form = await browser.get(idp.ask(authenticated_after=who.auth_time + 60))
    another = await browser.get(consent(idp, who))
    for csrf in ("", fields(login_form)["csrf"], fields(another)["csrf"]):
        refused = await idp.submit(browser, page, csrf=csrf, action="allow")
        assert refused.status_code == 403
        assert 'role="alert"' in refused.text
    assert idp.answer(await idp.submit(browser, refused, action="allow")).outcome == "consented"


async def test_form_sent_by_another_site_is_refused(idp, browser, fields):
    page = await browser.get(consent(idp, await logged_in(idp, browser)))
    headers = {"sec-fetch-site": "cross-site"}
    data = {**fields(page), "action": "allow"}
    assert (await browser.post("/oidc/v1/consent", data=data, headers=headers)).status_code == 403


async def test_silent_consent_shows_no_page(idp, browser):
    answer = idp.answer(await browser.get(consent(idp, await logged_in(idp, browser), silent=True)))
    assert answer.outcome == "no_session"

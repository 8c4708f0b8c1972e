"""The login page and its form."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from tessera_shared import clock
from tessera_shared.claims import ACR_ONE_FACTOR
from tessera_shared.handoff import Ask, ClientDisplay, seal_ask

pytestmark = pytest.mark.integration


async def log_in_page(idp, browser, **changes):
    page = await browser.get(idp.ask(**changes))
    assert page.status_code == 200, page.text
    return page


async def test_right_password_answers_who_when_and_how(idp, browser, password):
    sub = await idp.add_user()
    page = await log_in_page(idp, browser, step="step-1")
    before = clock.seconds(clock.now())
    answer = idp.answer(await idp.submit(browser, page, username=sub, password=password, action="login"))
    assert (answer.step, answer.outcome) == ("step-1", "authenticated")
    assert answer.authentication.sub == sub
    assert before <= answer.authentication.auth_time <= clock.seconds(clock.now())
    assert answer.authentication.acr == ACR_ONE_FACTOR
    assert answer.authentication.amr == ("pwd",)


async def test_wrong_password_unknown_user_and_disabled_user_get_the_same_page(idp, browser, password):
    sub, disabled = await idp.add_user(), await idp.add_user()
    await idp.disable(disabled)
    shown = set()
    for username, typed in ((sub, "wrong"), ("nobody at all", "wrong"), (disabled, password)):
        page = await log_in_page(idp, browser)
        refused = await idp.submit(browser, page, username=username, password=typed, action="login")
        assert refused.status_code == 403
        assert "tessera_session" not in refused.headers.get("set-cookie", "")
        parts = refused.text.replace(username, "USERNAME").split('name="ask"')
        shown.add((parts[0], parts[1].split('name="method"')[1]))
    assert len(shown) == 1
    assert 'role="alert"' in shown.pop()[0]


async def test_username_is_the_same_in_capitals(idp, browser, password):
    sub = await idp.add_user()
    page = await log_in_page(idp, browser)
    answer = idp.answer(await idp.submit(browser, page, username=sub.upper(), password=password, action="login"))
    assert answer.authentication.sub == sub


async def test_what_was_typed_is_shown_escaped_and_the_password_is_not_shown(idp, browser):
    page = await log_in_page(idp, browser)
    refused = await idp.submit(browser, page, username='"><script>alert(1)</script>', password="hush", action="login")
    assert "<script>" not in refused.text
    assert "hush" not in refused.text


async def test_missing_username_or_password_is_refused(idp, browser, password):
    sub = await idp.add_user()
    for typed in ({"username": sub}, {"password": password}, {}):
        page = await log_in_page(idp, browser)
        assert (await idp.submit(browser, page, **typed, action="login")).status_code == 403


async def test_unknown_login_method_is_refused(idp, browser):
    page = await log_in_page(idp, browser)
    assert (await idp.submit(browser, page, method="telepathy", action="login")).status_code == 400


async def test_deny_answers_denied_without_a_password(idp, browser):
    page = await log_in_page(idp, browser, step="step-2")
    answer = idp.answer(await idp.submit(browser, page, action="deny"))
    assert (answer.step, answer.outcome, answer.authentication) == ("step-2", "denied", None)


async def test_form_without_its_token_is_refused(idp, browser, password, fields):
    page = await log_in_page(idp, browser)
    typed = {**fields(page), "username": await idp.add_user(), "password": password, "action": "login"}
    for changed in ({"csrf": ""}, {"csrf": "x" * 43}, {"csrf": "ünsinn"}):
        refused = await browser.post("/oidc/v1/login", data={**typed, **changed})
        assert refused.status_code == 403
        assert "tessera_session" not in browser.cookies
    assert (await browser.post("/oidc/v1/login", data=typed)).status_code == 303


async def test_form_of_another_browser_or_another_ask_is_refused(idp, browser, password, fields):
    typed = {"username": await idp.add_user(), "password": password, "action": "login"}
    page = await log_in_page(idp, browser)
    async with idp.browser() as other:
        assert (await other.post("/oidc/v1/login", data={**fields(page), **typed})).status_code == 403
        await log_in_page(idp, other)
        assert (await other.post("/oidc/v1/login", data={**fields(page), **typed})).status_code == 403
    csrf = fields(page)["csrf"]
    another = fields(await log_in_page(idp, browser))
    assert (await browser.post("/oidc/v1/login", data={**another, **typed, "csrf": csrf})).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://attacker.example"}],
)
async def test_form_sent_by_another_site_is_refused_even_with_its_token(idp, browser, password, fields, headers):
    page = await log_in_page(idp, browser)
    typed = {**fields(page), "username": await idp.add_user(), "password": password, "action": "login"}
    assert (await browser.post("/oidc/v1/login", data=typed, headers=headers)).status_code == 403
    assert "tessera_session" not in browser.cookies


async def test_two_tabs_of_one_browser_both_work(idp, browser, password):
    sub = await idp.add_user()
    first, second = await log_in_page(idp, browser), await log_in_page(idp, browser)
    for page in (second, first):
        answer = idp.answer(await idp.submit(browser, page, username=sub, password=password, action="login"))
        assert answer.outcome == "authenticated"


async def test_login_hint_fills_the_username_in(idp, browser):
    assert 'value="alice@example"' in (await log_in_page(idp, browser, login_hint="alice@example")).text


async def test_page_cannot_be_framed_and_leads_only_to_the_issuer_and_the_client(idp, browser):
    page = await log_in_page(idp, browser, redirect_origin="https://client.example")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["default-src"] == "'none'"
    assert policy["form-action"].split() == ["'self'", idp.config.issuer, "https:"]
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"


async def test_logo_may_be_loaded_from_its_own_origin_only(idp, browser):
    client = ClientDisplay("c", "Shop", logo_uri="https://cdn.example/logo.png")
    page = await log_in_page(idp, browser, client=client)
    assert 'src="https://cdn.example/logo.png"' in page.text
    assert "img-src 'self' https://cdn.example;" in page.headers["content-security-policy"]


async def test_ask_that_is_missing_foreign_expired_or_for_another_page_is_a_page_with_400(idp, browser):
    past = clock.now() - timedelta(hours=1)
    ask = Ask("s", "login", ClientDisplay("c", "C"), ("openid",), "http://localhost:3000")
    expired = seal_ask(ask, idp.ring.active("enc", "A256GCM", clock.now()), past)
    consent = idp.ask("consent").split("ask=")[1]
    for query in ("", "?ask=garbage", "?ask=a.b.c.d.e", f"?ask={expired}", f"?ask={consent}", "?ask=%00", "?ask=%ff"):
        shown = await browser.get(f"/oidc/v1/login{query}", headers={"x-request-id": "request-0001"})
        assert shown.status_code == 400, query
        assert shown.headers["content-type"] == "text/html; charset=utf-8"
        assert "request-0001" in shown.text
        assert "invalid_request" in shown.text


async def test_repeated_parameter_is_refused(idp, browser, fields):
    page = await log_in_page(idp, browser)
    ask = fields(page)["ask"]
    assert (await browser.get(f"/oidc/v1/login?ask={ask}&ask={ask}")).status_code == 400
    body = f"ask={ask}&csrf={fields(page)['csrf']}&action=deny&action=login"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await browser.post("/oidc/v1/login", content=body, headers=form)).status_code == 400


async def test_too_many_waiting_logins_are_asked_to_try_again(idp, browser, password, monkeypatch):
    sub = await idp.add_user()
    page = await log_in_page(idp, browser)
    monkeypatch.setattr(idp.parts.passwords, "_room", 0)
    busy = await idp.submit(browser, page, username=sub, password=password, action="login")
    assert busy.status_code == 503
    assert busy.headers["retry-after"] == "1"
    monkeypatch.undo()
    assert (await idp.submit(browser, busy, username=sub, password=password, action="login")).status_code == 303


async def test_password_hashed_with_other_parameters_is_hashed_anew_at_login(idp, browser, password):
    sub = await idp.add_user()
    old = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(password)
    await idp.parts.database.execute("UPDATE idp.passwords SET hash = $2 WHERE sub = $1", sub, old)
    await idp.log_in(browser, sub)
    new = await idp.parts.database.fetchval("SELECT hash FROM idp.passwords WHERE sub = $1", sub)
    assert "m=19456,t=2,p=1" in new
    async with idp.browser() as other:
        await idp.log_in(other, sub)

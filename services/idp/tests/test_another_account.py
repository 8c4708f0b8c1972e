"""Who is asked for consent may go on with another account instead: every way to log in leads there, too."""

import re
from uuid import uuid4

import pytest

from tessera_shared import clock
from tessera_shared.claims import ACR_MULTI_FACTOR

pytestmark = pytest.mark.integration
LINK = re.compile(r"https?://\S+")
GOOD = "correct horse battery staple"


async def login_page(idp, browser, **changes):
    """The login page that the consent page links to, for a browser that somebody is logged in at."""
    held = await idp.log_in(browser, await idp.add_user())
    who = {"sub": held.authentication.sub, "sid": held.authentication.sid}
    consent = await browser.get(idp.ask("consent", **who, **changes))
    link = re.search(r'id="another-account" href="([^"]+)"', consent.text)[1].replace("&amp;", "&")
    return await browser.get(link)


async def to_second_factor(idp, browser, sub):
    page = await login_page(idp, browser, step="step-7")
    response = await idp.submit(browser, page, username=sub, password=GOOD, action="login")
    return await browser.get(response.headers["location"])


async def user_with_codes(idp):
    """A user who asked for codes by e-mail."""
    email = f"{uuid4().hex}@example.org"
    sub = await idp.add_user(email=email, email_verified=True)
    assert await idp.parts.email_codes.store.turn_on(sub, clock.now())
    return sub, email


async def test_another_account_gets_its_code_by_mail(idp, browser, fields):
    sub, email = await user_with_codes(idp)
    page = await to_second_factor(idp, browser, sub)
    sent = await browser.post("/oidc/v1/login/email-code", data=fields(page))
    assert sent.status_code == 303
    code = re.search(r"\d{4} \d{4}(?=\s)", (await idp.mail(email)).text)[0]
    answer = idp.answer(await idp.submit(browser, page, code=code, action="login"))
    assert (answer.step, answer.authentication.sub) == ("step-7", sub)
    assert answer.authentication.acr == ACR_MULTI_FACTOR


async def test_login_of_another_account_begins_anew_after_too_many_codes(idp, browser):
    sub, _ = await user_with_codes(idp)
    page = await to_second_factor(idp, browser, sub)
    while (response := await idp.submit(browser, page, code="00000000", action="login")).status_code == 403:
        pass
    start = await browser.get(response.headers["location"])
    assert start.status_code == 200
    assert 'name="password"' in start.text


@pytest.mark.parametrize("link", ["to-sign-up", "forgot-password"])
async def test_new_account_and_new_password_lead_back_to_the_client(idp, browser, link, fields):
    page = await login_page(idp, browser, step="step-8")
    form = await browser.get(re.search(rf'id="{link}" href="([^"]+)"', page.text)[1].replace("&amp;", "&"))
    assert fields(form)["ask"] == fields(page)["ask"]
    email, name = f"{uuid4().hex}@example.org", f"u{uuid4().hex}"
    if link == "to-sign-up":
        await idp.submit(browser, form, email=email)
        made = await browser.get(LINK.search((await idp.mail(email)).text)[0])
        done = await idp.submit(browser, made, username=name, password=GOOD)
    else:
        name = await idp.add_user(email=email, email_verified=True)
        await idp.submit(browser, form, account=email)
        shown = await browser.get(LINK.search((await idp.mail(email)).text)[0])
        changed = await idp.submit(browser, shown, password="seven purple lamps sing")
        onward = re.search(r'id="onward" href="([^"]+)"', changed.text)[1].replace("&amp;", "&")
        login = await browser.get(onward)
        done = await idp.submit(browser, login, username=name, password="seven purple lamps sing", action="login")
    assert idp.answer(done).step == "step-8"

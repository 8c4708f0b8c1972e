"""Accounts: sign-up, forgotten passwords, change of password, address and profile; mails come from the mailbox."""

import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from e2e.browser import Browser, Page, as_answer, as_page
from e2e.chromium import Tab
from e2e.mails import Mailbox
from e2e.relying_party import RelyingParty
from e2e.tabs import OpenTab

PASSWORD = "seven purple lamps sing"
OTHER = "nine yellow boats hum"

NewBrowser = Callable[[], Browser]


def new_name() -> str:
    return f"u{secrets.token_hex(6)}"


def address_of(name: str) -> str:
    return f"{name}@mail.example"


def sign_up(browser: Browser, mailbox: Mailbox, page: Page, name: str) -> Page:
    """From a login page to the page for name and password."""
    form = browser.show(_absolute(page, page.links["to-sign-up"]))
    browser.submit(form, "sign-up", email=address_of(name))
    return browser.show(mailbox.newest(address_of(name)).link)


def account(browser: Browser, mailbox: Mailbox, party: RelyingParty) -> str:
    """A new user, logged in; returns the name."""
    name = new_name()
    form = sign_up(browser, mailbox, browser.show(party.authorization_url()), name)
    browser.submit(form, "create", username=name, password=PASSWORD)
    return name


def _absolute(page: Page, link: str) -> str:
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}{link}"


async def fill_and_press(shown: Tab, button: str, **values: str) -> None:
    for field, value in values.items():
        await shown.page.fill(f"#{field}", value)
    await shown.page.click(f"#{button}")


@pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}])
async def test_a_newcomer_signs_up_on_the_way_through_a_client(
    demo: RelyingParty, mailbox: Mailbox, open_tab: OpenTab, options: dict[str, bool]
) -> None:
    shown, name = await open_tab(**options), new_name()
    await shown.page.goto(demo.authorization_url())
    await shown.page.click("#to-sign-up")
    await fill_and_press(shown, "sign-up", email=address_of(name))
    assert await shown.page.inner_text("#entered") == address_of(name)
    await shown.page.goto(mailbox.newest(address_of(name)).link)
    await fill_and_press(shown, "create", username=name, password="password12345678")
    assert "tried first" in await shown.page.inner_text("[role=alert]")
    await fill_and_press(shown, "create", username=name, password=PASSWORD)
    await shown.page.click("#allow")
    tokens = demo.redeem((await shown.answer())["code"]).json()
    claims = demo.userinfo(tokens["access_token"]).json()
    assert (claims["email"], claims["email_verified"]) == (address_of(name), True)
    assert claims["preferred_username"] == name


async def test_a_forgotten_password_is_set_anew_and_the_login_goes_on(
    demo: RelyingParty, mailbox: Mailbox, open_tab: OpenTab, browser: Browser
) -> None:
    name = account(browser, mailbox, demo)
    newest = mailbox.newest(address_of(name)).id
    shown = await open_tab()
    await shown.page.goto(demo.authorization_url())
    await shown.page.click("#forgot-password")
    await fill_and_press(shown, "send", account=address_of(name))
    await shown.page.goto(mailbox.newest(address_of(name), newest).link)
    await fill_and_press(shown, "set", password=OTHER)
    await shown.page.click("#onward")
    await shown.log_in(address_of(name), OTHER)
    await shown.page.click("#allow")
    assert "code" in await shown.answer()
    mailbox.titled(address_of(name), "Your password was changed")


async def test_the_account_pages_change_password_address_and_profile(
    demo: RelyingParty, mailbox: Mailbox, open_tab: OpenTab, browser: Browser
) -> None:
    name, new = account(browser, mailbox, demo), address_of(new_name())
    shown = await open_tab()
    await shown.page.goto(f"{demo.stack.idp}/account/profile")
    await shown.log_in(name, PASSWORD)
    await fill_and_press(shown, "save", name="Zoë Quick", phone_number="030 1234")
    assert await shown.page.inner_text("#phone_number-problem")
    await shown.page.fill("#phone_number", "+49 30 901820")
    await shown.page.select_option("#zoneinfo", "Europe/Berlin")
    await shown.page.click("#save")
    assert await shown.page.inner_text("#notice") == "Your profile is saved."
    await shown.page.goto(f"{demo.stack.idp}/account/security/password")
    await fill_and_press(shown, "change", current=PASSWORD, password=OTHER)
    assert await shown.page.inner_text("#notice") == "Your password is changed."
    await shown.page.goto(f"{demo.stack.idp}/account/email")
    await shown.page.fill("#new-email", new)
    await shown.page.click("#send")
    assert "on its way" in await shown.page.inner_text("#notice")
    await shown.page.goto(mailbox.newest(new).link)
    await shown.page.click("#confirm")
    assert await shown.page.inner_text("#email") == new
    undo = mailbox.titled(address_of(name), "Your e-mail address was changed")
    await shown.page.goto(undo.link)
    await shown.page.click("#undo")
    assert await shown.page.inner_text("#title") == "Your address is restored"
    await shown.page.goto(f"{demo.stack.idp}/account")
    assert await shown.has("#login")


def test_known_and_unknown_addresses_are_answered_alike(
    demo: RelyingParty, mailbox: Mailbox, new_browser: NewBrowser
) -> None:
    known = account(new_browser(), mailbox, demo)
    for path, button, field in (
        ("/oidc/v1/sign-up", "sign-up", "email"),
        ("/oidc/v1/reset-password", "send", "account"),
    ):
        answers = []
        for entered in (address_of(known), address_of(new_name())):
            browser = new_browser()
            page = browser.show(f"{demo.stack.idp}{path}")
            answers.append(as_page(browser.submit(page, button, **{field: entered})))
        words = [re.sub(r"[0-9a-z]+@mail\.example", "", answer.response.text) for answer in answers]
        assert answers[0].status == answers[1].status == 200
        assert words[0] == words[1]


def test_links_work_once_also_when_used_twice_at_the_same_time(
    demo: RelyingParty, mailbox: Mailbox, new_browser: NewBrowser
) -> None:
    browser, name = new_browser(), new_name()
    page = sign_up(browser, mailbox, browser.show(demo.authorization_url()), name)
    fields = {**page.form("create").fields, "password": PASSWORD}
    headers = {"sec-fetch-site": "same-origin"}

    def use(number: int) -> int:
        data = {**fields, "username": f"{name}-{number}"}
        return browser.http.post(f"{demo.stack.idp}/oidc/v1/verify-email", data=data, headers=headers).status_code

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(use, range(5))) == [303, 410, 410, 410, 410]
    assert browser.show(page.url).status == 410


def test_a_mail_scanner_that_opens_links_uses_none_up(
    demo: RelyingParty, mailbox: Mailbox, new_browser: NewBrowser
) -> None:
    browser, name = new_browser(), new_name()
    page = sign_up(browser, mailbox, browser.show(demo.authorization_url()), name)
    for _ in range(3):
        assert new_browser().show(page.url).status == 200
    browser.submit(page, "create", username=name, password=PASSWORD)
    assert browser.show(page.url).status == 410


def test_a_link_of_one_account_is_worth_nothing_in_another(
    demo: RelyingParty, mailbox: Mailbox, new_browser: NewBrowser
) -> None:
    owner, thief = new_browser(), new_browser()
    new = address_of(new_name())
    account(owner, mailbox, demo)
    account(thief, mailbox, demo)
    page = owner.show(f"{demo.stack.idp}/account/email")
    owner.submit(page, "send", email=new)
    link = mailbox.newest(new).link
    assert thief.show(link).status == 410
    assert owner.show(link).status == 200


def test_no_name_of_this_host_that_a_request_claims_comes_into_a_link(
    demo: RelyingParty, mailbox: Mailbox, browser: Browser
) -> None:
    name = new_name()
    page = browser.show(f"{demo.stack.idp}/oidc/v1/sign-up")
    data = {**page.form("sign-up").fields, "email": address_of(name)}
    headers = {"sec-fetch-site": "same-origin", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    for host in ({}, {"host": "evil.example"}):
        browser.http.post(f"{demo.stack.idp}/oidc/v1/sign-up", data=data, headers={**headers, **host})
    mail = mailbox.newest(address_of(name))
    assert mail.link.startswith(f"{demo.stack.idp}/oidc/v1/verify-email?token=")
    assert all("evil" not in each.text + each.html for each in mailbox.all(address_of(name)))


def test_the_login_takes_the_address_in_place_of_the_name(
    demo: RelyingParty, mailbox: Mailbox, new_browser: NewBrowser
) -> None:
    name = account(new_browser(), mailbox, demo)
    browser = new_browser()
    page = browser.show(demo.authorization_url())
    consent = as_page(browser.log_in(page, address_of(name).upper(), PASSWORD))
    assert "code" in as_answer(browser.submit(consent, "allow"))


async def test_the_mailbox_shows_mails_and_runs_nothing_in_them(
    demo: RelyingParty, mailbox: Mailbox, open_tab: OpenTab, browser: Browser
) -> None:
    name = account(browser, mailbox, demo)
    mail = mailbox.newest(address_of(name))
    shown = await open_tab()
    await shown.page.goto(demo.stack.mail)
    await shown.page.click(f"#mail-{mail.id}")
    assert await shown.page.inner_text("#subject") == mail.subject
    assert mail.link in await shown.page.inner_text("#text")
    await shown.screenshot("mailbox-letter")
    frame = await shown.page.locator("#html").get_attribute("src")
    policy = (await shown.page.request.get(f"{demo.stack.mail}{frame}")).headers["content-security-policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy

"""A client demands a login that no false page can steal, of a user who has no passkey: it is set up in the login."""

import json

import pytest
import pytest_asyncio

from e2e.chromium import Tab
from e2e.looks import every_look
from e2e.mails import Mailbox
from e2e.passkeys import WITHOUT_AUTOFILL, virtual_authenticator
from e2e.people import Person, add_person
from e2e.relying_party import RelyingParty
from e2e.stack import Control, Stack
from e2e.tabs import OpenTab
from e2e.test_passkeys import DEMANDED, RESISTANT, tokens_of

MULTI = "urn:tessera:acr:multi-factor"
SET_UP = "**/oidc/v1/login/set-up/passkey?**"


@pytest.fixture
def person(control: Control) -> Person:
    """A new user with a verified address and nothing but a password."""
    return add_person(control)


@pytest_asyncio.fixture
async def shown(open_tab: OpenTab) -> Tab:
    """A tab of a browser that waits for the button."""
    opened = await open_tab()
    opened.page.set_default_timeout(15_000)
    await opened.page.add_init_script(WITHOUT_AUTOFILL)
    return opened


async def to_set_up(shown: Tab, demo: RelyingParty, person: Person, claims: str = DEMANDED) -> None:
    """Log in by the password, as far as that leads."""
    await shown.page.goto(demo.authorization_url(claims=claims))
    await shown.log_in(person.username, person.password)
    await shown.page.wait_for_url("**/oidc/v1/login/set-up/**")


async def test_passkey_is_set_up_in_the_login_that_demands_it_and_reaches_the_level(
    shown: Tab, demo: RelyingParty, person: Person
) -> None:
    device = await virtual_authenticator(shown.page)
    await to_set_up(shown, demo, person)
    await shown.page.wait_for_url(SET_UP)
    await every_look(shown, "login-set-up-passkey")
    await shown.page.fill("#name", "My phone")
    await shown.page.click("#passkey")
    await shown.page.click("#continue")
    await shown.page.wait_for_url("**/second-factor?**")
    assert "passkey is added" in await shown.page.inner_text("#notice")
    await every_look(shown, "second-factor-passkey-added")
    await shown.page.click("#passkey")
    claims = await tokens_of(shown, demo)
    assert claims["acr"] == RESISTANT
    assert {"pwd", "pop", "user", "mfa"} <= set(claims["amr"])
    (credential,) = await device.credentials()
    assert credential["signCount"] >= 1


async def test_new_passkey_is_told_by_mail_and_serves_the_next_login_alone(
    shown: Tab, stack: Stack, demo: RelyingParty, person: Person
) -> None:
    await virtual_authenticator(shown.page)
    await to_set_up(shown, demo, person)
    await shown.page.fill("#name", "My phone")
    await shown.page.click("#passkey")
    await shown.page.click("#continue")
    mail = Mailbox(stack).newest(f"{person.username}@wonderland.example")
    assert "My phone" in mail.text
    # the passkey is the account's from now on, though this login was never finished
    await shown.page.context.clear_cookies()
    await shown.page.goto(demo.authorization_url(claims=DEMANDED))
    await shown.page.click("#passkey")
    assert (await tokens_of(shown, demo))["acr"] == RESISTANT


async def test_client_that_wants_several_factors_lets_the_user_choose_a_passkey(
    shown: Tab, demo: RelyingParty, person: Person
) -> None:
    await virtual_authenticator(shown.page)
    await to_set_up(shown, demo, person, json.dumps({"id_token": {"acr": {"essential": True, "value": MULTI}}}))
    await shown.page.click("#set-up-passkey")
    await shown.page.wait_for_url(SET_UP)
    await shown.page.click("#passkey")
    await shown.page.click("#continue")
    await shown.page.click("#passkey")
    assert (await tokens_of(shown, demo))["acr"] == MULTI


async def test_user_who_sets_no_passkey_up_does_not_meet_the_level(
    shown: Tab, demo: RelyingParty, person: Person
) -> None:
    device = await virtual_authenticator(shown.page)
    await to_set_up(shown, demo, person)
    await device.verify_users(by=False)
    await shown.page.click("#passkey")
    await shown.page.wait_for_selector("#passkey-message:not([hidden])")
    assert "cancelled" in await shown.page.inner_text("#passkey-message")
    await shown.page.click("#deny")
    answer = await shown.answer()
    assert answer["error"] == "unmet_authentication_requirements"
    assert await device.credentials() == []


async def test_without_javascript_the_page_says_so_and_leads_back(
    open_tab: OpenTab, demo: RelyingParty, person: Person
) -> None:
    plain = await open_tab(java_script_enabled=False)
    await to_set_up(plain, demo, person)
    assert "JavaScript" in await plain.page.inner_text("main")
    await plain.screenshot("login-set-up-passkey-without-javascript")
    assert not await plain.page.is_visible("#passkey")
    assert not await plain.page.is_visible("#deny")
    await plain.page.click("#back")
    assert (await plain.answer())["error"] == "unmet_authentication_requirements"

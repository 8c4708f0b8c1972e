"""Passkeys in Chromium with its virtual authenticator: enrolment, login without a username, second factor, step-up."""

import json
from typing import Any

import pytest
import pytest_asyncio

from e2e.chromium import Tab
from e2e.passkeys import WITHOUT_AUTOFILL, VirtualAuthenticator, virtual_authenticator
from e2e.people import Person, add_person
from e2e.relying_party import RelyingParty
from e2e.stack import Control, Stack
from e2e.tabs import OpenTab

RESISTANT = "urn:tessera:acr:phishing-resistant"
DEMANDED = json.dumps({"id_token": {"acr": {"essential": True, "values": [RESISTANT]}}})


@pytest.fixture
def person(control: Control) -> Person:
    """A new user."""
    return add_person(control)


@pytest_asyncio.fixture
async def shown(open_tab: OpenTab) -> Tab:
    """A tab of a browser that waits for the button."""
    opened = await open_tab()
    opened.page.set_default_timeout(15_000)
    await opened.page.add_init_script(WITHOUT_AUTOFILL)
    return opened


async def enrol(shown: Tab, stack: Stack, person: Person, name: str = "My phone") -> VirtualAuthenticator:
    """Log in by password, and add a passkey of a new device at the account page."""
    device = await virtual_authenticator(shown.page)
    await shown.page.goto(f"{stack.idp}/account/security/passkeys")
    await shown.log_in(person.username, person.password)
    await shown.page.wait_for_url(f"{stack.idp}/account/security/passkeys")
    await shown.page.fill("#name", name)
    await shown.page.click("#passkey")
    await shown.page.wait_for_selector("#codes")
    await shown.page.goto(f"{stack.idp}/account/security/passkeys")
    return device


async def log_out(shown: Tab) -> None:
    """Be somebody else in the same browser, which keeps its devices."""
    await shown.page.context.clear_cookies()


async def tokens_of(shown: Tab, party: RelyingParty) -> dict[str, Any]:
    """Allow what is asked and redeem the code; the ID token's claims."""
    await shown.page.wait_for_selector("#allow, h1:has-text('Back at the client')")
    if await shown.has("#allow"):
        await shown.page.click("#allow")
    answer = await shown.answer()
    return party.verify(party.redeem(answer["code"]).json()["id_token"], "RS256")[1]


async def test_passkey_is_added_and_logs_in_without_a_username(
    shown: Tab, stack: Stack, demo: RelyingParty, person: Person
) -> None:
    device = await enrol(shown, stack, person)
    (credential,) = await device.credentials()
    assert (credential["rpId"], credential["isResidentCredential"]) == ("localhost", True)
    await log_out(shown)
    await shown.page.goto(demo.authorization_url())
    await shown.page.click("#passkey")
    claims = await tokens_of(shown, demo)
    assert claims["acr"] == RESISTANT
    assert set(claims["amr"]) >= {"pop", "user", "mfa"}


async def test_browser_offers_the_passkey_in_the_name_field_without_the_button(
    open_tab: OpenTab, stack: Stack, demo: RelyingParty, person: Person
) -> None:
    shown = await open_tab()
    await enrol(shown, stack, person)
    await log_out(shown)
    await shown.page.goto(demo.authorization_url())
    assert (await tokens_of(shown, demo))["acr"] == RESISTANT


async def test_passkey_is_the_second_factor_after_the_password(
    shown: Tab, stack: Stack, demo: RelyingParty, person: Person
) -> None:
    await enrol(shown, stack, person)
    await log_out(shown)
    await shown.page.goto(demo.authorization_url())
    await shown.log_in(person.username, person.password)
    await shown.page.wait_for_url("**/second-factor?**")
    await shown.page.click("#passkey")
    claims = await tokens_of(shown, demo)
    assert (claims["acr"], claims["amr"][0]) == (RESISTANT, "pwd")


async def test_demanded_level_is_reached_by_passkey_from_a_weaker_login(
    shown: Tab, stack: Stack, demo: RelyingParty, person: Person
) -> None:
    await enrol(shown, stack, person)
    await shown.page.goto(demo.authorization_url(claims=DEMANDED))
    await shown.page.wait_for_url("**/second-factor?**")
    await shown.page.click("#passkey")
    assert (await tokens_of(shown, demo))["acr"] == RESISTANT


async def test_cancelled_passkey_is_told_and_can_be_tried_again(
    shown: Tab, stack: Stack, demo: RelyingParty, person: Person
) -> None:
    device = await enrol(shown, stack, person)
    await log_out(shown)
    await device.verify_users(by=False)
    await shown.page.goto(demo.authorization_url())
    await shown.page.click("#passkey")
    await shown.page.wait_for_selector("#passkey-message:not([hidden])")
    assert "cancelled" in await shown.page.inner_text("#passkey-message")
    await device.verify_users(by=True)
    await shown.page.click("#passkey")
    assert (await tokens_of(shown, demo))["acr"] == RESISTANT


async def test_device_has_one_passkey_of_an_account(shown: Tab, stack: Stack, person: Person) -> None:
    await enrol(shown, stack, person)
    await shown.page.click("#passkey")
    await shown.page.wait_for_selector("#passkey-message:not([hidden])")
    assert "already" in await shown.page.inner_text("#passkey-message")


async def test_removed_passkey_logs_in_no_more(shown: Tab, stack: Stack, demo: RelyingParty, person: Person) -> None:
    await enrol(shown, stack, person, "Lost <phone>")
    await shown.page.click("button[value=remove]")
    await shown.page.wait_for_selector("#no-passkeys")
    await log_out(shown)
    await shown.page.goto(demo.authorization_url())
    await shown.page.click("#passkey")
    await shown.page.wait_for_selector("#problem")
    await shown.page.click("#use-password")
    await shown.log_in(person.username, person.password)
    assert "pwd" in (await tokens_of(shown, demo))["amr"]


async def test_copied_passkey_is_refused_and_its_owner_is_told(
    shown: Tab, stack: Stack, demo: RelyingParty, person: Person
) -> None:
    device = await enrol(shown, stack, person)
    (old,) = await device.credentials()
    await shown.page.goto(demo.authorization_url(claims=DEMANDED))
    await shown.page.click("#passkey")
    await tokens_of(shown, demo)
    await device.forget()
    await device.put(old)
    await log_out(shown)
    await shown.page.goto(demo.authorization_url())
    await shown.page.click("#passkey")
    await shown.page.wait_for_selector("#problem")


async def test_passkeys_need_javascript_and_the_page_says_so(
    open_tab: OpenTab, demo: RelyingParty, person: Person
) -> None:
    plain = await open_tab(java_script_enabled=False)
    await plain.page.goto(demo.authorization_url())
    assert "JavaScript" in await plain.page.inner_text("noscript")
    await plain.log_in(person.username, person.password)
    assert "pwd" in (await tokens_of(plain, demo))["amr"]

"""The pages of passkeys and codes by e-mail, in light and dark, on a phone and on a desk, checked by axe-core."""

import pytest

from e2e.looks import every_look
from e2e.passkeys import WITHOUT_AUTOFILL, virtual_authenticator
from e2e.people import Person, add_person
from e2e.relying_party import RelyingParty
from e2e.stack import Control, Stack
from e2e.tabs import OpenTab

pytestmark = pytest.mark.once


@pytest.fixture
def person(control: Control) -> Person:
    """A new user."""
    return add_person(control)


async def test_pages_of_codes_by_mail_look_good(
    open_tab: OpenTab, stack: Stack, demo: RelyingParty, person: Person
) -> None:
    shown = await open_tab()
    await shown.page.goto(f"{stack.idp}/account/security/email-codes")
    await shown.log_in(*person)
    await every_look(shown, "account-email-codes-off")
    await shown.page.click("#on")
    await shown.page.click("#kept")
    await shown.page.goto(f"{stack.idp}/account/security/email-codes")
    await every_look(shown, "account-email-codes-on")
    await shown.page.context.clear_cookies()
    await shown.page.goto(demo.authorization_url())
    await shown.log_in(*person)
    await every_look(shown, "second-factor-email-code")
    await shown.page.click("#send")
    await every_look(shown, "second-factor-email-code-sent")


async def test_pages_of_passkeys_look_good(open_tab: OpenTab, stack: Stack, demo: RelyingParty, person: Person) -> None:
    shown = await open_tab()
    await shown.page.add_init_script(WITHOUT_AUTOFILL)
    device = await virtual_authenticator(shown.page)
    await shown.page.goto(f"{stack.idp}/account/security/passkeys")
    await shown.log_in(*person)
    await every_look(shown, "account-passkeys-none")
    await shown.page.fill("#name", "My phone")
    await shown.page.click("#passkey")
    await shown.page.click("#kept")
    await shown.page.goto(f"{stack.idp}/account/security/passkeys?done=added")
    await shown.page.click("summary")
    await every_look(shown, "account-passkeys-one")
    await shown.page.context.clear_cookies()
    await shown.page.goto(demo.authorization_url())
    await device.verify_users(by=False)
    await shown.page.click("#passkey")
    await shown.page.wait_for_selector("#passkey-message:not([hidden])")
    await every_look(shown, "login-passkey-cancelled")
    await shown.log_in(*person)
    await every_look(shown, "second-factor-passkey")

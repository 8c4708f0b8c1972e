"""The pages around a new account, in each look: sign-up, second steps, recovery codes, reset, mails."""

import re
import secrets
from typing import Any

import httpx
import pyotp
import pytest

from e2e.chromium import Tab
from e2e.clients import USERNAME
from e2e.looks import SEEN_BY_AXE, every_look, take_look, violations
from e2e.relying_party import RelyingParty
from e2e.stack import Stack
from e2e.tabs import OpenTab

pytestmark = pytest.mark.once

PASSWORD = "seven sleepy teapots under glass"
MULTI_FACTOR = '{"id_token": {"acr": {"essential": true, "value": "urn:tessera:acr:multi-factor"}}}'


async def test_sign_up_and_second_steps_look_good(stack: Stack, http: httpx.Client, open_tab: OpenTab) -> None:
    name = f"look-{secrets.token_hex(4)}"
    shown = await open_tab()
    page = shown.page
    await page.goto(f"{stack.idp}/oidc/v1/sign-up")
    await every_look(shown, "sign-up")
    await page.fill("#email", f"{name}@example.org")
    await page.click("#sign-up")
    await every_look(shown, "check-mail")
    mail = newest_mail(http, stack, f"{name}@example.org")
    await mail_looks_good(shown, mail, "mail-verify-email")
    await page.goto(link_of(mail, stack))
    await every_look(shown, "create-account")
    await page.fill("#username", name)
    await page.fill("#password", PASSWORD)
    await page.click("#create")
    await shown.log_in(name, PASSWORD)
    await page.wait_for_url(f"{stack.idp}/account")
    await page.goto(f"{stack.idp}/account/security/totp/new")
    key = (await page.inner_text("#key")).replace(" ", "")
    await page.fill("#code", "000000")
    await page.click("#confirm")
    await every_look(shown, "account-totp-refused")
    await page.fill("#code", pyotp.TOTP(key).now())
    await page.fill("#name", "My phone")
    await page.click("#confirm")
    await every_look(shown, "account-codes")
    code = await page.inner_text("#codes li:first-child")
    for path in ("security", "security/totp", "security/recovery-codes"):
        await page.goto(f"{stack.idp}/account/{path}")
        await every_look(shown, f"account-with-factors-{path.replace('/', '-')}")
    await page.click("#logout")
    await page.goto(f"{stack.idp}/account")
    await shown.log_in(name, PASSWORD)
    await every_look(shown, "second-factor")
    await page.fill("#code", "000000")
    await page.click("#login")
    await every_look(shown, "second-factor-refused")
    await page.click("#use-recovery_code")
    await every_look(shown, "second-factor-recovery")
    await page.fill("#code", code)
    await page.click("#login")
    await page.wait_for_url(f"{stack.idp}/account")


async def test_set_up_at_login_and_reset_look_good(demo: RelyingParty, http: httpx.Client, open_tab: OpenTab) -> None:
    stack = demo.stack
    shown = await open_tab()
    page = shown.page
    name = await new_account(shown, http, stack)
    await page.click("#logout")
    await page.goto(demo.authorization_url(claims=MULTI_FACTOR))
    await shown.log_in(name, PASSWORD)
    await every_look(shown, "set-up-at-login")
    await page.goto(f"{stack.idp}/oidc/v1/reset-password")
    await every_look(shown, "reset-password")
    await page.fill("#account", name)
    await page.click("#send")
    await every_look(shown, "check-mail-reset")
    mail = newest_mail(http, stack, f"{name}@example.org", "password")
    await mail_looks_good(shown, mail, "mail-reset-password")
    await page.goto(link_of(mail, stack))
    await every_look(shown, "new-password")
    await page.fill("#password", "short")
    await page.click("#set")
    await every_look(shown, "new-password-refused")
    await page.fill("#password", f"{PASSWORD} anew")
    await page.click("#set")
    await every_look(shown, "password-reset")
    await page.goto(link_of(mail, stack))
    await every_look(shown, "link-over")


@pytest.mark.parametrize(("language", "subject"), [("de", "Bestätigen"), ("fr", "Confirmez")])
async def test_mails_come_in_the_language_of_the_page_that_asked_for_them(
    stack: Stack, http: httpx.Client, open_tab: OpenTab, language: str, subject: str
) -> None:
    address = f"{USERNAME}-{secrets.token_hex(4)}@example.org"
    shown = await open_tab(locale=language)
    await shown.page.goto(f"{stack.idp}/oidc/v1/sign-up")
    await shown.page.fill("#email", address)
    await shown.page.click("#sign-up")
    mail = newest_mail(http, stack, address)
    assert mail["subject"].startswith(subject)
    assert f'<html lang="{language}"' in mail["html"]


async def new_account(shown: Tab, http: httpx.Client, stack: Stack) -> str:
    """Sign up; the tab is then in the account of the username returned."""
    name = f"look-{secrets.token_hex(4)}"
    await shown.page.goto(f"{stack.idp}/oidc/v1/sign-up")
    await shown.page.fill("#email", f"{name}@example.org")
    await shown.page.click("#sign-up")
    await shown.page.goto(link_of(newest_mail(http, stack, f"{name}@example.org"), stack))
    await shown.page.fill("#username", name)
    await shown.page.fill("#password", PASSWORD)
    await shown.page.click("#create")
    await shown.log_in(name, PASSWORD)
    await shown.page.wait_for_url(f"{stack.idp}/account")
    return name


def newest_mail(http: httpx.Client, stack: Stack, address: str, subject: str = "") -> dict[str, Any]:
    """The newest mail to an address, with a word in its subject, out of the mailbox."""
    for _ in range(20):
        answer = http.get(f"{stack.mail}/api/mails", params={"to": address, "wait": "10"})
        found: list[dict[str, Any]] = [mail for mail in answer.json()["mails"] if subject in mail["subject"]]
        if found:
            return found[-1]
    raise AssertionError(f"no mail to {address} about {subject!r}")


def link_of(mail: dict[str, Any], stack: Stack) -> str:
    """The link in a mail."""
    found = re.search(rf"{re.escape(stack.idp)}/\S+", mail["text"])
    assert found is not None, mail["text"]
    return found[0]


async def mail_looks_good(shown: Tab, mail: dict[str, Any], name: str) -> None:
    """Keep a picture of a mail, and check it with axe-core; it is no page of ours, so what must be around it is not."""
    await shown.page.goto("about:blank")
    await shown.page.set_content(mail["html"])
    for scheme, size in SEEN_BY_AXE:
        await take_look(shown, scheme, size)
        await shown.screenshot(f"{name}-{scheme}-{size}")
        found = [line for line in await violations(shown) if not line.startswith(("region:", "landmark-one-main:"))]
        assert not found, "\n".join((name, *found))

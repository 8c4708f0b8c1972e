"""The pages around a new account, in each look: sign-up, second steps, recovery codes, reset, mails."""

import re
import secrets
from typing import Any

import httpx
import pyotp
import pytest

from e2e.chromium import SIZES, Tab
from e2e.clients import USERNAME
from e2e.looks import looks_good, violations
from e2e.relying_party import RelyingParty
from e2e.stack import Stack
from e2e.tabs import OpenTab
from e2e.test_pages import each_look

PASSWORD = "seven sleepy teapots under glass"
MULTI_FACTOR = '{"id_token": {"acr": {"essential": true, "value": "urn:tessera:acr:multi-factor"}}}'


@each_look
async def test_sign_up_and_second_steps_look_good(
    stack: Stack, http: httpx.Client, open_tab: OpenTab, scheme: str, size: str
) -> None:
    look = f"{scheme}-{size}"
    name = f"look-{secrets.token_hex(4)}"
    shown = await open_tab(color_scheme=scheme, viewport=SIZES[size])
    page = shown.page
    await page.goto(f"{stack.idp}/oidc/v1/sign-up")
    await looks_good(shown, f"sign-up-{look}", scheme)
    await page.fill("#email", f"{name}@example.org")
    await page.click("#sign-up")
    await looks_good(shown, f"check-mail-{look}", scheme)
    mail = newest_mail(http, stack, f"{name}@example.org")
    await mail_looks_good(shown, mail, f"mail-verify-email-{look}")
    await page.goto(link_of(mail, stack))
    await looks_good(shown, f"create-account-{look}", scheme)
    await page.fill("#username", name)
    await page.fill("#password", PASSWORD)
    await page.click("#create")
    await shown.log_in(name, PASSWORD)
    await page.wait_for_url(f"{stack.idp}/account")
    await page.goto(f"{stack.idp}/account/security/totp/new")
    key = (await page.inner_text("#key")).replace(" ", "")
    await page.fill("#code", "000000")
    await page.click("#confirm")
    await looks_good(shown, f"account-totp-refused-{look}", scheme)
    await page.fill("#code", pyotp.TOTP(key).now())
    await page.fill("#name", "My phone")
    await page.click("#confirm")
    await looks_good(shown, f"account-codes-{look}", scheme)
    code = await page.inner_text("#codes li:first-child")
    for path in ("security", "security/totp", "security/recovery-codes"):
        await page.goto(f"{stack.idp}/account/{path}")
        await looks_good(shown, f"account-with-factors-{path.replace('/', '-')}-{look}", scheme)
    await page.click("#logout")
    await page.goto(f"{stack.idp}/account")
    await shown.log_in(name, PASSWORD)
    await looks_good(shown, f"second-factor-{look}", scheme)
    await page.fill("#code", "000000")
    await page.click("#login")
    await looks_good(shown, f"second-factor-refused-{look}", scheme)
    await page.click("#use-recovery_code")
    await looks_good(shown, f"second-factor-recovery-{look}", scheme)
    await page.fill("#code", code)
    await page.click("#login")
    await page.wait_for_url(f"{stack.idp}/account")


@each_look
async def test_set_up_at_login_and_reset_look_good(
    demo: RelyingParty, http: httpx.Client, open_tab: OpenTab, scheme: str, size: str
) -> None:
    stack, look = demo.stack, f"{scheme}-{size}"
    shown = await open_tab(color_scheme=scheme, viewport=SIZES[size])
    page = shown.page
    name = await new_account(shown, http, stack)
    await page.click("#logout")
    await page.goto(demo.authorization_url(claims=MULTI_FACTOR))
    await shown.log_in(name, PASSWORD)
    await looks_good(shown, f"set-up-at-login-{look}", scheme)
    await page.goto(f"{stack.idp}/oidc/v1/reset-password")
    await looks_good(shown, f"reset-password-{look}", scheme)
    await page.fill("#account", name)
    await page.click("#send")
    await looks_good(shown, f"check-mail-reset-{look}", scheme)
    mail = newest_mail(http, stack, f"{name}@example.org", "password")
    await mail_looks_good(shown, mail, f"mail-reset-password-{look}")
    await page.goto(link_of(mail, stack))
    await looks_good(shown, f"new-password-{look}", scheme)
    await page.fill("#password", "short")
    await page.click("#set")
    await looks_good(shown, f"new-password-refused-{look}", scheme)
    await page.fill("#password", f"{PASSWORD} anew")
    await page.click("#set")
    await looks_good(shown, f"password-reset-{look}", scheme)
    await page.goto(link_of(mail, stack))
    await looks_good(shown, f"link-over-{look}", scheme)


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
    await shown.screenshot(name)
    found = [line for line in await violations(shown) if not line.startswith(("region:", "landmark-one-main:"))]
    assert not found, "\n".join((name, *found))

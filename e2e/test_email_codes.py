"""Codes by e-mail in Chromium, read from the mailbox: asked for by the user, then needed after the password."""

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from e2e.chromium import Tab
from e2e.relying_party import RelyingParty
from e2e.stack import Control, Stack
from e2e.tabs import OpenTab

MULTI = "urn:tessera:acr:multi-factor"
DEMANDED = json.dumps({"id_token": {"acr": {"essential": True, "values": [MULTI]}}})


@dataclass(frozen=True, slots=True)
class Person:
    """A user of this test alone, with a verified address."""

    name: str
    password: str
    email: str


@pytest.fixture
def person(control: Control) -> Person:
    """A new user."""
    name = f"code-{secrets.token_hex(4)}"
    email = f"{name}@wonderland.example"
    claims = ("--claim", f"email={email}", "--claim", "email_verified=true")
    made = control.operate("idp", "users", "add", name, *claims, "--generate-password", "--json")
    assert made.returncode == 0, made.stderr
    return Person(name, json.loads(made.stdout)["password"], email)


def mails(stack: Stack, http: httpx.Client, person: Person, after: int = 0) -> list[dict[str, Any]]:
    """The codes in the person's mailbox that came later than the mail of that id; waits for one."""
    for _ in range(5):
        query = {"to": person.email, "after": str(after), "wait": "10"}
        found = http.get(f"{stack.mail}/api/mails", params=query).json()["mails"]
        codes = [mail for mail in found if mail["subject"] == "Your code to log in"]
        if codes:
            return codes
        after = max([after, *(mail["id"] for mail in found)])
    return []


def code_of(mail: dict[str, Any]) -> str:
    """The code in a mail."""
    (found,) = [line for line in mail["text"].splitlines() if re.fullmatch(r"\d{4} \d{4}", line)]
    return str(found)


async def turn_on(shown: Tab, stack: Stack, person: Person) -> None:
    """Log in by password, and ask for codes at the account page."""
    await shown.page.goto(f"{stack.idp}/account/security/email-codes")
    await shown.log_in(person.name, person.password)
    await shown.page.click("#on")
    await shown.page.wait_for_selector("#codes")


async def claims_of(shown: Tab, party: RelyingParty) -> dict[str, Any]:
    """Allow what is asked and redeem the code; the ID token's claims."""
    await shown.page.wait_for_selector("#allow, h1:has-text('Back at the client')")
    if await shown.has("#allow"):
        await shown.page.click("#allow")
    answer = await shown.answer()
    return party.verify(party.redeem(answer["code"]).json()["id_token"], "RS256")[1]


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["with scripts", "without scripts"])
async def test_code_from_the_mailbox_is_the_second_factor(
    open_tab: OpenTab,
    stack: Stack,
    demo: RelyingParty,
    person: Person,
    http: httpx.Client,
    java_script_enabled: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    shown = await open_tab(java_script_enabled=java_script_enabled)
    await turn_on(shown, stack, person)
    await shown.page.context.clear_cookies()
    await shown.page.goto(demo.authorization_url())
    await shown.log_in(person.name, person.password)
    await shown.page.click("#send")
    await shown.page.wait_for_selector("#sent")
    (first,) = mails(stack, http, person)
    await shown.page.click("#send")
    (second,) = mails(stack, http, person, first["id"])
    await shown.page.fill("#code", code_of(first))
    await shown.page.click("#login")
    await shown.page.wait_for_selector("#problem")
    await shown.page.fill("#code", code_of(second))
    await shown.page.click("#login")
    claims = await claims_of(shown, demo)
    assert claims["acr"] == MULTI
    assert claims["amr"] == ["pwd", "otp", "mca", "mfa"]


async def test_demanded_level_is_reached_by_a_code_from_a_login_by_password(
    open_tab: OpenTab, stack: Stack, demo: RelyingParty, person: Person, http: httpx.Client
) -> None:
    shown = await open_tab()
    await turn_on(shown, stack, person)
    await shown.page.goto(demo.authorization_url(claims=DEMANDED))
    await shown.page.click("#send")
    (mail,) = mails(stack, http, person)
    await shown.page.fill("#code", code_of(mail))
    await shown.page.click("#login")
    assert (await claims_of(shown, demo))["acr"] == MULTI

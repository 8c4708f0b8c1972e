"""Levels of login that more than a password reaches: what a client, a scope or a request demands is met and told."""

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import pyotp
import pytest

from e2e.browser import Answer, Browser, Page, as_answer, as_page
from e2e.clients import DEMO, MULTI_FACTOR, VAULT
from e2e.conftest import NewBrowser, PartyOf
from e2e.relying_party import RelyingParty
from e2e.stack import Control
from e2e.test_levels import MULTI, ONE, RESISTANT, essential, told, voluntary

PASSWORD = "of a careful person indeed"
STEP = 30
"""Seconds that a code of an authenticator app is shown for (RFC 6238)."""


@dataclass(slots=True)
class Person:
    """A user, and the authenticator app once it is set up; each of its codes is used once."""

    username: str
    secret: str = ""
    used: int = 0

    def code(self) -> str:
        """A code that was not used before; the one after it is accepted as well, for slow clocks."""
        self.used = max(self.used + 1, int(time.time()) // STEP)
        return str(pyotp.TOTP(self.secret).generate_otp(self.used))

    def log_in(self, browser: Browser, url: str) -> Answer:
        """Go through whatever pages an authorization request shows."""
        found = browser.open(url)
        while isinstance(found, Page):
            found = self.answer(browser, found)
        return found

    def answer(self, browser: Browser, page: Page) -> Page | Answer:
        """Do what a page asks for."""
        fields = page.form("login").fields if page.has("login") else {}
        if "offer" in fields:
            self.secret = page.texts["key"].replace(" ", "")
            return browser.submit(page, "login", code=self.code(), name="Phone")
        if "password" in fields:
            return browser.log_in(page, self.username, PASSWORD)
        if "code" in fields:
            return browser.submit(page, "login", code=self.code())
        return browser.submit(page, "allow" if page.has("allow") else "continue")


def make_person(control: Control) -> Person:
    """A user with a password and nothing more yet."""
    name = f"careful-{secrets.token_hex(4)}"
    made = control.operate("idp", "users", "add", name, "--json", typed=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    return Person(name)


@pytest.fixture
def person(control: Control) -> Person:
    """The user of a test."""
    return make_person(control)


def tokens_of(party: RelyingParty, answer: Answer) -> dict[str, Any]:
    """The tokens of an answer."""
    assert "code" in answer, answer
    return dict(party.redeem(answer["code"]).json())


def silently(party: RelyingParty, browser: Browser, **changes: str) -> dict[str, Any]:
    """The tokens that come without a page."""
    return tokens_of(party, as_answer(browser.open(party.authorization_url(prompt="none", **changes))))


def test_essential_level_is_reached_by_setting_up_a_second_factor_and_told(
    demo: RelyingParty, browser: Browser, person: Person
) -> None:
    tokens = tokens_of(demo, person.log_in(browser, demo.authorization_url(claims=essential(RESISTANT, MULTI))))
    assert told(demo, tokens) == MULTI
    assert {"pwd", "otp", "mfa"} <= set(demo.verify(tokens["id_token"], "RS256")[1]["amr"])
    # the session is as strong for every later request, and tells the class that is asked for
    assert told(demo, silently(demo, browser)) == MULTI
    assert told(demo, silently(demo, browser, claims=essential(MULTI))) == MULTI
    assert told(demo, silently(demo, browser, acr_values=f"{RESISTANT} {MULTI}")) == MULTI
    assert told(demo, silently(demo, browser, acr_values=ONE)) == ONE
    assert told(demo, silently(demo, browser, claims=essential(ONE))) == ONE
    strongest = as_answer(browser.open(demo.authorization_url(prompt="none", claims=essential(RESISTANT))))
    assert strongest["error"] == "login_required"


def test_client_and_scope_that_demand_a_level_get_it(party_of: PartyOf, browser: Browser, person: Person) -> None:
    strict, vault = party_of(MULTI_FACTOR), party_of(VAULT)
    assert told(strict, tokens_of(strict, person.log_in(browser, strict.authorization_url(acr_values=ONE)))) == ONE
    assert told(strict, silently(strict, browser)) == MULTI
    tokens = tokens_of(vault, person.log_in(browser, vault.authorization_url()))
    assert set(tokens["scope"].split()) == {"openid", "vault"}
    assert told(vault, tokens) == MULTI


@pytest.mark.parametrize("demand", [{"claims": essential(MULTI)}, {"acr_values": MULTI}, {"claims": voluntary(MULTI)}])
def test_weak_session_rises_by_the_second_factor_alone(
    party_of: PartyOf, browser: Browser, new_browser: NewBrowser, person: Person, demand: dict[str, str]
) -> None:
    party = party_of(DEMO)
    weak = tokens_of(party, person.log_in(browser, party.authorization_url()))
    assert told(party, weak) == ONE
    person.log_in(new_browser(), party.authorization_url(claims=essential(MULTI)))  # sets the app up, elsewhere
    assert told(party, silently(party, browser)) == ONE
    page = as_page(browser.open(party.authorization_url(**demand)))
    assert "password" not in page.form("login").fields
    answer = as_answer(person.answer(browser, page))
    strong = tokens_of(party, answer)
    assert told(party, strong) == MULTI
    before, after = (party.verify(tokens["id_token"], "RS256")[1] for tokens in (weak, strong))
    assert (after["sub"], after["sid"]) == (before["sub"], before["sid"])


def test_level_that_is_only_preferred_lets_a_user_without_a_second_factor_through(
    demo: RelyingParty, browser: Browser, person: Person
) -> None:
    tokens = tokens_of(demo, person.log_in(browser, demo.authorization_url(acr_values=MULTI)))
    assert told(demo, tokens) == ONE
    assert person.secret == ""


def test_user_who_will_not_set_up_what_is_essential_is_unmet(
    demo: RelyingParty, browser: Browser, person: Person
) -> None:
    page = as_page(browser.open(demo.authorization_url(claims=essential(MULTI))))
    page = as_page(browser.log_in(page, person.username, PASSWORD))
    assert "offer" in page.form("login").fields
    answer = as_answer(browser.submit(page, "deny"))
    assert set(answer.parameters) == {"error", "error_description", "state", "iss"}
    assert answer["error"] == "unmet_authentication_requirements"


def test_fresh_login_at_a_level_is_both(demo: RelyingParty, browser: Browser, person: Person) -> None:
    first = tokens_of(demo, person.log_in(browser, demo.authorization_url(claims=essential(MULTI))))
    before = demo.verify(first["id_token"], "RS256")[1]["auth_time"]
    while int(time.time()) <= before:
        time.sleep(0.02)
    claims = json.dumps({"id_token": {"acr": {"essential": True, "value": MULTI}, "auth_time": {"essential": True}}})
    page = as_page(browser.open(demo.authorization_url(max_age="0", claims=claims)))
    assert "password" in page.form("login").fields
    found: Page | Answer = page
    while isinstance(found, Page):
        found = person.answer(browser, found)
    again = tokens_of(demo, found)
    assert told(demo, again) == MULTI
    assert demo.verify(again["id_token"], "RS256")[1]["auth_time"] > before

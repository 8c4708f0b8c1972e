"""A second factor in Chromium: set up, used at login, lost, and demanded by a protected resource (RFC 9470)."""

import json
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import unquote

import httpx
import pyotp
import pytest

from e2e.chromium import Tab
from e2e.looks import every_look
from e2e.relying_party import RelyingParty, bearer
from e2e.stack import Control, Stack
from e2e.tabs import OpenTab

MULTI, RESISTANT = "urn:tessera:acr:multi-factor", "urn:tessera:acr:phishing-resistant"
STEP = 30


@dataclass(slots=True)
class Person:
    """A user, and the authenticator app, whose codes each work once."""

    username: str
    password: str
    secret: str = ""
    used: int = 0

    def code(self) -> str:
        """A code that was not used before; that of the next step counts too (RFC 6238 §5.2)."""
        self.used = max(self.used + 1, int(time.time()) // STEP)
        return str(pyotp.TOTP(self.secret).generate_otp(self.used))

    async def log_in(self, shown: Tab) -> None:
        """Name and password."""
        await shown.log_in(self.username, self.password)

    async def set_up(self, shown: Tab) -> list[str]:
        """Type the first code of the key that the page shows; the recovery codes."""
        self.secret = (await shown.page.inner_text("#key")).replace(" ", "")
        assert await shown.page.locator("#qr svg.qr path").count() > 0
        await shown.page.fill("#code", self.code())
        await shown.page.fill("#name", "My phone")
        await shown.page.click("#confirm, #login")
        codes = await shown.page.locator("#codes code").all_inner_texts()
        assert len(set(codes)) == 10
        return codes


@pytest.fixture
def person(control: Control) -> Person:
    """A new user with a password alone."""
    name = f"second-{secrets.token_hex(4)}"
    made = control.operate("idp", "users", "add", name, "--generate-password", "--json")
    assert made.returncode == 0, made.stderr
    return Person(name, json.loads(made.stdout)["password"])


async def allow_if_asked(shown: Tab) -> None:
    """Press the button of the consent page, where there is one."""
    if await shown.has("#allow"):
        await shown.page.click("#allow")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_app_is_set_up_in_the_account_and_asked_for_at_the_next_login(
    open_tab: OpenTab, stack: Stack, demo: RelyingParty, person: Person, *, scripts: bool
) -> None:
    shown = await open_tab(java_script_enabled=scripts)
    await shown.page.goto(f"{stack.idp}/account/security/totp")
    await person.log_in(shown)
    await shown.page.click("#new")
    codes = await person.set_up(shown)
    kept = await shown.page.get_attribute("#download", "href")
    assert kept is not None
    assert unquote(kept.partition(",")[2]).split() == codes
    await shown.page.click("#kept")
    assert shown.page.url == f"{stack.idp}/account/security"

    other = await open_tab(java_script_enabled=scripts)
    await other.page.goto(demo.authorization_url())
    await person.log_in(other)
    assert await other.page.inner_text("#user") == person.username
    assert not await other.has("#password")
    await other.page.fill("#code", "000000")
    await other.page.click("#login")
    assert await other.has("#problem")
    await other.page.fill("#code", person.code())
    await other.page.click("#login")
    await allow_if_asked(other)
    tokens = demo.redeem((await other.answer())["code"]).json()
    claims = demo.verify(tokens["id_token"], "RS256")[1]
    assert (claims["acr"], claims["amr"]) == (MULTI, ["pwd", "otp", "mfa"])


async def test_lost_app_is_replaced_by_a_recovery_code_and_at_last_by_an_operator(
    open_tab: OpenTab, stack: Stack, demo: RelyingParty, person: Person, control: Control
) -> None:
    shown = await open_tab()
    await shown.page.goto(f"{stack.idp}/account/security/totp/new")
    await person.log_in(shown)
    codes = await person.set_up(shown)
    await shown.page.context.clear_cookies()
    await shown.page.goto(demo.authorization_url())
    await person.log_in(shown)
    await shown.page.click("#use-recovery_code")
    await shown.page.fill("#code", codes[3].lower().replace("-", ""))
    await shown.page.click("#login")
    await allow_if_asked(shown)
    assert "code" in await shown.answer()
    await shown.page.goto(f"{stack.idp}/account/security/recovery-codes")
    assert "9" in await shown.page.inner_text("#left")

    removed = control.operate("idp", "factors", "remove", person.username, "--all", "--json")
    assert removed.returncode == 0, removed.stderr
    listed = control.operate("idp", "factors", "list", person.username, "--json")
    assert json.loads(listed.stdout) == []
    await shown.page.context.clear_cookies()
    await shown.page.goto(demo.authorization_url())
    await person.log_in(shown)
    await allow_if_asked(shown)
    assert "code" in await shown.answer()


async def test_protected_resource_demands_a_second_factor_and_gets_it(
    open_tab: OpenTab, demo: RelyingParty, person: Person, control: Control
) -> None:
    """RFC 9470: the challenge names the level, the request asks for it, only the second factor is missing."""
    shown = await open_tab()
    await shown.page.goto(demo.authorization_url())
    await person.log_in(shown)
    await allow_if_asked(shown)
    weak = demo.redeem((await shown.answer())["code"]).json()["access_token"]
    with control.rs_replica({"TESSERA_RS_SENSITIVE__ACR_VALUES": json.dumps([MULTI, RESISTANT])}) as strict:
        refused = sensitive(demo.http, strict, weak)
        challenge = refused.headers["www-authenticate"]
        assert (refused.status_code, 'error="insufficient_user_authentication"' in challenge) == (401, True)
        wanted = re.search(r'acr_values="([^"]+)"', challenge)
        assert wanted

        # a user without a second factor sets one up, in the login that demands it
        essential = json.dumps({"id_token": {"acr": {"essential": True, "values": wanted[1].split()}}})
        await shown.page.goto(demo.authorization_url(claims=essential))
        await person.set_up(shown)
        await shown.page.click("#continue")
        await allow_if_asked(shown)
        strong = demo.redeem((await shown.answer())["code"]).json()["access_token"]
        assert sensitive(demo.http, strict, strong).status_code == 200

        # one who has it is asked for nothing else
        other = await open_tab()
        await other.page.goto(demo.authorization_url())
        await person.log_in(other)
        await other.page.fill("#code", person.code())
        await other.page.click("#login")
        await allow_if_asked(other)
        again = demo.redeem((await other.answer())["code"]).json()["access_token"]
        assert sensitive(demo.http, strict, again).status_code == 200


def sensitive(http: httpx.Client, url: str, token: str) -> httpx.Response:
    """Ask for what needs a strong login."""
    return http.get(f"{url}/resource/sensitive", headers=bearer(token))


async def test_user_chooses_another_account_at_the_chooser_and_at_the_consent_page(
    open_tab: OpenTab, demo: RelyingParty, person: Person, control: Control
) -> None:
    name = f"second-{secrets.token_hex(4)}"
    made = control.operate("idp", "users", "add", name, "--generate-password", "--json")
    another = Person(name, json.loads(made.stdout)["password"])
    shown = await open_tab()
    await shown.page.goto(demo.authorization_url(prompt="consent"))
    await person.log_in(shown)
    await shown.page.click("#another-account")
    await another.log_in(shown)
    assert await shown.page.inner_text("#user") == another.username
    await shown.page.click("#allow")
    first = demo.redeem((await shown.answer())["code"]).json()
    await shown.page.goto(demo.authorization_url(prompt="select_account"))
    await every_look(shown, "select-account")
    await shown.page.click("#this-account")
    again = demo.redeem((await shown.answer())["code"]).json()
    claims = [demo.verify(each["id_token"], "RS256")[1] for each in (first, again)]
    assert claims[0]["sub"] == claims[1]["sub"]


@pytest.mark.once
async def test_pages_of_the_second_factor_look_good(
    open_tab: OpenTab, stack: Stack, demo: RelyingParty, person: Person
) -> None:
    shown = await open_tab()
    await shown.page.goto(f"{stack.idp}/account/security/totp")
    await person.log_in(shown)
    await every_look(shown, "account-totp-none")
    await shown.page.click("#new")
    await every_look(shown, "account-totp-new")
    await person.set_up(shown)
    await every_look(shown, "account-recovery-codes-new")
    await shown.page.goto(f"{stack.idp}/account/security/totp")
    await every_look(shown, "account-totp")
    await shown.page.goto(f"{stack.idp}/account/security/recovery-codes")
    await every_look(shown, "account-recovery-codes")
    await shown.page.context.clear_cookies()
    await shown.page.goto(demo.authorization_url())
    await person.log_in(shown)
    await every_look(shown, "second-factor-totp")
    await shown.page.click("#use-recovery_code")
    await every_look(shown, "second-factor-recovery-code")


@pytest.mark.once
async def test_page_that_sets_a_factor_up_at_login_looks_good(
    open_tab: OpenTab, demo: RelyingParty, person: Person
) -> None:
    shown = await open_tab()
    essential = json.dumps({"id_token": {"acr": {"essential": True, "values": [MULTI]}}})
    await shown.page.goto(demo.authorization_url(claims=essential))
    await person.log_in(shown)
    await every_look(shown, "login-set-up")
    await person.set_up(shown)
    await every_look(shown, "login-recovery-codes")

"""Whoever tries passwords is slowed down, and nobody else is."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from uuid import uuid4

import httpx
import pytest

from e2e.browser import Browser, as_page
from e2e.clients import PASSWORD, USERNAME
from e2e.embedded import Embedded
from e2e.relying_party import RelyingParty
from e2e.stack import Control, Stack

STRANGERS_TRIES = 20
"""Of one account from one address, as configs/idp.yml says."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of one test."""

    username: str
    password: str


@pytest.fixture
def account(control: Control) -> Iterator[Account]:
    """Somebody whom nobody else logs in as."""
    username = f"e2e-{uuid4().hex[:12]}"
    made = control.operate("idp", "users", "add", username, "--generate-password", "--json")
    assert made.returncode == 0, made.stderr
    yield Account(username, json.loads(made.stdout)["password"])
    assert control.operate("idp", "users", "remove", username).returncode == 0


def try_passwords(browser: Browser, party: RelyingParty, username: str, times: int) -> list[int]:
    """The statuses of so many wrong passwords."""
    page, statuses = browser.show(party.authorization_url(prompt="login")), []
    for _ in range(times):
        page = as_page(browser.log_in(page, username, "wrong"))
        statuses.append(page.status)
    return statuses


def test_guessing_is_slowed_down_with_words_and_the_same_for_accounts_that_do_not_exist(
    demo: RelyingParty, account: Account, new_browser: Callable[[], Browser]
) -> None:
    shown = []
    for username in (account.username, f"nobody-{uuid4().hex[:6]}"):
        browser = new_browser()
        statuses = try_passwords(browser, demo, username, STRANGERS_TRIES + 3)
        assert statuses == [403] * STRANGERS_TRIES + [429] * 3
        page = as_page(browser.log_in(browser.show(demo.authorization_url()), username, account.password))
        assert page.status == 429
        assert 0 < int(page.response.headers["retry-after"]) <= 60
        assert page.form("login").fields["username"] == username
        shown.append(page.texts["problem"])
    assert shown == [shown[0]] * 2
    assert "Wait a few minutes" in shown[0]


def test_owner_of_an_attacked_account_logs_in_where_it_was_used_before(
    demo: RelyingParty, account: Account, new_browser: Callable[[], Browser]
) -> None:
    own = new_browser()
    assert "code" in own.authorize(demo.authorization_url(), account.username, account.password)
    try_passwords(new_browser(), demo, account.username, STRANGERS_TRIES + 1)
    stranger = new_browser()
    page = as_page(stranger.log_in(stranger.show(demo.authorization_url()), account.username, account.password))
    assert page.status == 429
    assert "code" in own.authorize(demo.authorization_url(prompt="login"), account.username, account.password)


@dataclass(frozen=True, slots=True)
class Attacker:
    """Sends wrong passwords from an address of its own, some at a time."""

    http: httpx.AsyncClient
    stack: Stack
    fields: dict[str, str]
    address: str

    async def send(self, username: str) -> int:
        """The status of one."""
        form = {**self.fields, "username": username, "password": "wrong", "action": "login"}
        headers = {"x-forwarded-for": self.address}
        return (await self.http.post(f"{self.stack.idp}/oidc/v1/login", data=form, headers=headers)).status_code

    async def send_all(self, usernames: list[str], at_once: int = 8) -> Counter[int]:
        """The statuses of all, by how often they came."""
        room, statuses = asyncio.Semaphore(at_once), Counter[int]()

        async def send(username: str) -> None:
            async with room:
                statuses[await self.send(username)] += 1

        await asyncio.gather(*(send(username) for username in usernames))
        return statuses


@pytest.mark.parametrize(
    ("over", "tries", "limit", "refilled_a_minute"), [("one account", 1000, 20, 1), ("many accounts", 450, 300, 30)]
)
async def test_a_thousand_wrong_passwords_leave_others_undisturbed(
    embedded: Embedded,
    demo: RelyingParty,
    new_browser: Callable[[], Browser],
    over: str,
    tries: int,
    limit: int,
    refilled_a_minute: int,
) -> None:
    del embedded  # only there an address can be chosen: containers stand behind a gateway that tells its own
    page = (browser := new_browser()).show(demo.authorization_url())
    quiet = [log_in(demo, new_browser(), number) for number in range(3)]
    victim = f"victim-{uuid4().hex[:6]}"
    names = [victim if over == "one account" else f"{victim}-{n}" for n in range(tries)]
    async with httpx.AsyncClient(timeout=60, trust_env=False, cookies=browser.http.cookies) as http:
        attacker = Attacker(http, demo.stack, page.form("login").fields, f"203.0.113.{len(over)}")
        started = time.monotonic()
        attack, busy = asyncio.create_task(attacker.send_all(names)), []
        while not attack.done():
            busy.append(await asyncio.to_thread(log_in, demo, new_browser(), len(busy)))
        statuses = await attack
    checked = statuses[403]
    assert statuses[429] == tries - checked
    assert limit <= checked <= limit + (time.monotonic() - started) / 60 * refilled_a_minute + 1
    assert len(busy) >= 2
    assert median(busy) < 10 * median(quiet) + 2


def log_in(party: RelyingParty, browser: Browser, number: int) -> float:
    """How many seconds somebody else's login takes, from another address."""
    browser.http.headers["x-forwarded-for"] = f"198.51.100.{number % 250}"
    started = time.monotonic()
    assert "code" in browser.authorize(party.authorization_url(), USERNAME, PASSWORD)
    return time.monotonic() - started

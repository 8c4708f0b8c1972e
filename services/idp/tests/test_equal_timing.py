"""Whether an account exists shows neither in what is answered nor in how long that takes."""

import random
import time
from collections import defaultdict
from uuid import uuid4

import pytest

from tessera_idp.app import build_app
from tessera_idp.protection import ProtectionConfig
from tessera_shared.throttle import Allowance

pytestmark = pytest.mark.integration

TRIES = 50
"""Of each kind, in an order that changes: what slows the machine down slows all kinds down."""
MOST = 1.5
"""How much longer the quick ones of one kind may take than of another: a skipped Argon2id takes a tenth."""


@pytest.fixture
def app(idp):
    """The service with limits that a test does not reach."""
    plenty = ProtectionConfig(**dict.fromkeys(ProtectionConfig.model_fields, Allowance(tries=10_000, minutes=1)))
    config = idp.config.model_copy(update={"protection": plenty})
    return build_app(config, idp.parts, idp.master_key)


@pytest.fixture
async def names(idp):
    """Accounts of every kind, and names that are none."""
    known, disabled, without = [await idp.add_user() for _ in range(3)]
    await idp.disable(disabled)
    await idp.parts.database.execute("DELETE FROM idp.passwords WHERE sub = $1", without)
    return {"known": known, "unknown": str(uuid4()), "disabled": disabled, "without a password": without}


async def test_wrong_passwords_take_as_long_whoever_is_named(idp, app, names):
    shown, took = defaultdict(set), defaultdict(list)
    async with idp.browser(app) as browser:
        page = await browser.get(idp.ask())
        for _ in range(TRIES):
            for kind, name in random.sample(list(names.items()), len(names)):
                started = time.perf_counter()
                refused = await idp.submit(browser, page, username=name, password="wrong", action="login")
                took[kind].append(time.perf_counter() - started)
                shown[kind].add(without_what_differs(refused, name))
    assert_equal(shown, took)


@pytest.mark.parametrize(("path", "field"), [("/oidc/v1/reset-password", "account"), ("/oidc/v1/sign-up", "email")])
async def test_mails_that_are_asked_for_take_as_long_whoever_is_named(idp, app, path, field):
    known, unverified, disabled, unknown = (f"{uuid4().hex}@example.org" for _ in range(4))
    await idp.add_user(email=known, email_verified=True)
    await idp.add_user(email=unverified)
    await idp.disable(await idp.add_user(email=disabled, email_verified=True))
    names = {"known": known, "unknown": unknown, "not verified": unverified, "disabled": disabled}
    shown, took = defaultdict(set), defaultdict(list)
    async with idp.browser(app) as browser:
        page = await browser.get(path)
        for _ in range(TRIES):
            for kind, name in random.sample(list(names.items()), len(names)):
                started = time.perf_counter()
                sent = await idp.submit(browser, page, **{field: name})
                took[kind].append(time.perf_counter() - started)
                shown[kind].add(without_what_differs(sent, name))
    assert {status for texts in shown.values() for status, *_rest in texts} == {200}
    assert_equal(shown, took)


def without_what_differs(response, name):
    """Status, names of headers and text, without what was typed and what is random."""
    text = response.text.replace(name, "NAME")
    differs = ('type="hidden"', "data-options=")
    text = "".join(line for line in text.splitlines(keepends=True) if not any(part in line for part in differs))
    return response.status_code, tuple(sorted(response.headers.keys())), text


def assert_equal(shown, took):
    """Every kind got the same answer each time, and none took remarkably longer than another."""
    assert len(set.union(*shown.values())) == 1, {kind: len(texts) for kind, texts in shown.items()}
    quick = {kind: sorted(times)[len(times) // 10] for kind, times in took.items()}
    assert max(quick.values()) / min(quick.values()) < MOST, quick

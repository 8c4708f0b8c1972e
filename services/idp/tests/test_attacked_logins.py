"""Attacks on the stages of a login: skipping them, sending one code many times, and keeping the owner out."""

import asyncio
import re
import time
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pyotp
import pytest

from tessera_idp.app import build_app
from tessera_idp.protection import ProtectionConfig
from tessera_idp.store.totp import Authenticator
from tessera_shared import clock
from tessera_shared.claims import ACR_MULTI_FACTOR
from tessera_shared.throttle import Allowance

pytestmark = pytest.mark.integration

ISSUER_PATH = "/oauth2/v1/authorize/resume"
SENT = 50


async def add_app(idp, sub):
    """Give the user an authenticator app; its secret."""
    secret = pyotp.random_base32()
    assert await idp.parts.totp.add(sub, Authenticator(str(uuid4()), "Phone", secret, 0, clock.now(), None))
    return secret


async def after_password(idp, browser, sub, password, **changes):
    """The page that follows the password."""
    page = await browser.get(idp.ask(**changes))
    moved = await idp.submit(browser, page, method="password", username=sub, password=password, action="login")
    assert moved.status_code == 303, moved.text
    return await browser.get(moved.headers["location"])


def is_over(response):
    """Whether a request ended in a session or in an answer that says who is there."""
    cookies = " ".join(response.headers.get_list("set-cookie"))
    if re.search(r"tessera_session=[^;\s]", cookies):
        return True
    location = urlsplit(response.headers.get("location", ""))
    return location.path == ISSUER_PATH and "answer" in parse_qs(location.query)


async def forms(browser):
    """Every form that a stage of a login sends, and the buttons of its page."""
    document = (await browser.get("/ui/swagger/doc.json")).json()
    found = {}
    for path, methods in document["paths"].items():
        if "post" in methods and path.startswith(("/oidc/v1/login", "/oidc/v1/consent")):
            (content,) = methods["post"]["requestBody"]["content"].values()
            actions = content["schema"]["properties"].get("action", {}).get("enum", [])
            found[path] = [action for action in actions if action != "deny"] + [""]
    assert len(found) >= 5
    return found


@pytest.fixture
async def browser(idp):
    """A browser of a service whose limits are not reached."""
    plenty = ProtectionConfig(**dict.fromkeys(ProtectionConfig.model_fields, Allowance(tries=10_000, minutes=1)))
    app = build_app(idp.config.model_copy(update={"protection": plenty}), idp.parts, idp.master_key)
    async with idp.browser(app) as opened:
        yield opened


@pytest.mark.parametrize("stage", ["first", "second", "set up"])
async def test_no_form_of_any_stage_ends_a_login_before_its_turn(idp, browser, fields, password, stage):
    sub = await idp.add_user()
    unlimited = "UPDATE idp.logins_under_way SET attempts = 0 WHERE sub = $1"
    if stage == "second":
        await add_app(idp, sub)
    wanted = {"acr": ACR_MULTI_FACTOR, "acr_essential": True} if stage == "set up" else {}
    page = await (
        browser.get(idp.ask(**wanted)) if stage == "first" else after_password(idp, browser, sub, password, **wanted)
    )
    shown, tried = fields(page), 0
    typed = {"username": sub, "code": "000000", "credential": "{}", "scope": "openid", "password": "wrong"}
    for path, actions in (await forms(browser)).items():
        for action in actions:
            for method in ("password", "totp", "recovery_code", "email_code", "passkey"):
                sent = {**typed, **shown, "action": action, "method": method}
                answer = await browser.post(path, data={name: value for name, value in sent.items() if value})
                assert not is_over(answer), f"{path} {action} {method}: {answer.status_code}"
                await idp.parts.database.execute(unlimited, sub)
                tried += 1
    assert tried >= 50
    assert not await idp.is_logged_in(browser)


async def test_of_fifty_posts_of_one_code_one_begins_a_session(idp, browser, fields, password):
    sub = await idp.add_user()
    secret = await add_app(idp, sub)
    page = await after_password(idp, browser, sub, password)
    if time.time() % 30 > 27:  # the step must not pass meanwhile
        await asyncio.sleep(30 - time.time() % 30)
    sent = {**fields(page), "code": pyotp.TOTP(secret).now(), "action": "login"}
    cookies = dict(browser.cookies)

    async def send(number):
        async with idp.browser(address=f"2001:db8:50::{number}") as other:
            other.cookies.update(cookies)
            return await other.post(page.url.path, data=sent)

    answers = await asyncio.gather(*(send(number) for number in range(SENT)))
    assert sum(is_over(answer) for answer in answers) == 1
    count = await idp.parts.database.fetchval("SELECT count(*) FROM idp.sessions WHERE sub = $1", sub)
    assert count == 1


async def test_whoever_knows_the_password_cannot_keep_the_owner_from_the_second_factor(idp, password, address):
    sub = await idp.add_user()
    async with idp.browser(address=address) as own:
        await idp.log_in(own, sub)
        own.cookies.delete("tessera_session")
        secret = await add_app(idp, sub)
        wrong = []
        for number in range(3):
            async with idp.browser(address=f"2001:db8:60:{number}::1") as attacker:
                page = await after_password(idp, attacker, sub, password)
                wrong += [
                    (await idp.submit(attacker, page, code="000000", action="login")).status_code for _ in "12345"
                ]
        assert wrong[-1] == 429
        page = await after_password(idp, own, sub, password)
        right = await idp.submit(own, page, code=pyotp.TOTP(secret).now(), action="login")
        assert idp.answer(right).outcome == "authenticated"


async def test_whoever_knows_the_password_cannot_use_up_the_owners_code_mails(idp, fields, password, address):
    sub = await idp.add_user(email=f"{uuid4().hex}@example.org", email_verified=True)
    async with idp.browser(address=address) as own, idp.browser(address="2001:db8:61::1") as attacker:
        await idp.log_in(own, sub)
        own.cookies.delete("tessera_session")
        await idp.parts.email_codes.store.turn_on(sub, clock.now())
        page = await after_password(idp, attacker, sub, password)
        statuses = [(await attacker.post("/oidc/v1/login/email-code", data=fields(page))).status_code for _ in range(6)]
        assert statuses == [303] * 5 + [429]
        page = await after_password(idp, own, sub, password)
        sent = await own.post("/oidc/v1/login/email-code", data=fields(page))
        assert sent.status_code == 303

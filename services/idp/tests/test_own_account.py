"""What users change of their own accounts: profile, password, and e-mail address with the way back."""

import asyncio
import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from tessera_idp.protocol.activity import ACTIONS
from tessera_idp.store.totp import Authenticator
from tessera_shared import clock

pytestmark = pytest.mark.integration
LINK = re.compile(r"https?://\S+")
NEW = "seven purple lamps sing"


@pytest_asyncio.fixture
async def browser(idp, address):
    async with idp.browser(address=address) as client:
        yield client


@pytest_asyncio.fixture
async def alice(idp, browser):
    """A user of her own, logged in in `browser`: sub and verified address."""
    email = f"{uuid4().hex}@example.org"
    sub = await idp.add_user(email=email, email_verified=True, name="Wilhelmina Fotheringay")
    await idp.log_in(browser, sub)
    return sub, email


async def claims_of(idp, sub):
    return (await idp.parts.users.find(sub)).claims


async def audited(idp, sub):
    rows = await idp.parts.database.fetch("SELECT action FROM audit.events_of($1, $2, 50)", sub, list(ACTIONS))
    return [row["action"] for row in rows]


def link_in(letter):
    return LINK.search(letter.text)[0]


async def change_address(idp, browser, new):
    page = await browser.get("/account/email")
    return await idp.submit(browser, page, email=new)


@pytest.mark.parametrize(
    "path", ["/account/profile", "/account/email", "/account/email/confirm?token=x", "/account/security/password"]
)
async def test_without_a_login_there_is_only_the_way_to_it(browser, path):
    asked = await browser.get(path)
    assert asked.status_code == 303
    assert asked.headers["location"].startswith("/oidc/v1/login?ask=")
    assert (await browser.post(path.partition("?")[0], data={})).status_code == 303


async def test_the_profile_is_stored_and_told(idp, browser, alice):
    sub, _ = alice
    page = await browser.get("/account/profile")
    typed = {"name": "Alice", "birthdate": "1852-05-04", "zoneinfo": "Europe/London", "country": "UK", "gender": ""}
    saved = await idp.submit(browser, page, **typed)
    assert saved.headers["location"] == "/account/profile?done=saved"
    claims = await claims_of(idp, sub)
    assert (claims["name"], claims["zoneinfo"]) == ("Alice", "Europe/London")
    assert claims["address"] == {"country": "UK", "formatted": "UK"}
    assert claims["email_verified"] is True
    assert "gender" not in claims
    assert "profile.changed" in await audited(idp, sub)


async def test_a_value_that_is_none_is_told_at_its_field_and_nothing_is_stored(idp, browser, alice):
    sub, _ = alice
    page = await browser.get("/account/profile")
    refused = await idp.submit(browser, page, name="Mallory", website="javascript:alert(1)")
    assert refused.status_code == 400
    assert 'id="website-problem"' in refused.text
    assert 'value="Mallory"' in refused.text
    assert (await claims_of(idp, sub))["name"] == "Wilhelmina Fotheringay"


async def test_the_form_cannot_verify_an_address_or_rename_a_user(idp, browser, alice):
    sub, email = alice
    page = await browser.get("/account/profile")
    await idp.submit(browser, page, email="x@evil.example", email_verified="true", phone_number="+44 1632 960042")
    claims = await claims_of(idp, sub)
    assert (claims["email"], claims["phone_number_verified"]) == (email, False)


@pytest.mark.parametrize("path", ["/account/profile", "/account/email", "/account/security/password"])
async def test_a_form_without_its_token_changes_nothing(idp, browser, alice, path):
    sub, _ = alice
    before = await claims_of(idp, sub)
    assert (await browser.post(path, data={"name": "x", "email": "y@x.example", "password": NEW})).status_code == 403
    foreign = {"sec-fetch-site": "cross-site"}
    page = await browser.get(path)
    token = re.search(r'name="csrf" value="([^"]+)"', page.text.rpartition("<form")[2])[1]
    sent = {"csrf": token, "name": "x", "email": "y@x.example", "password": NEW}
    assert (await browser.post(path, data=sent, headers=foreign)).status_code == 403
    assert await claims_of(idp, sub) == before


async def test_the_password_is_changed_by_who_knows_it(idp, browser, alice, password):
    sub, email = alice
    page = await browser.get("/account/security/password")
    changed = await idp.submit(browser, page, current=password, password=NEW, end_others="yes")
    assert changed.headers["location"] == "/account/security/password?done=changed"
    assert "Your password is changed" in (await browser.get(changed.headers["location"])).text
    assert (await idp.mail(email)).subject == "Your password was changed"
    async with idp.browser() as other:
        login = await other.get(idp.ask())
        assert (await idp.submit(other, login, username=sub, password=password, action="login")).status_code == 403
        answer = idp.answer(await idp.submit(other, login, username=email, password=NEW, action="login"))
        assert answer.authentication.sub == sub
    assert "password.changed" in await audited(idp, sub)


@pytest.mark.parametrize(("end_others", "stays"), [({"end_others": "yes"}, False), ({}, True)])
async def test_other_sessions_end_by_choice(idp, browser, alice, password, end_others, stays):
    sub, _ = alice
    async with idp.browser() as elsewhere:
        there = (await idp.log_in(elsewhere, sub)).authentication.sid
        here = idp.answer(await browser.get(idp.ask(silent=True))).authentication.sid
        client_id = await idp.add_client()
        grants = [await idp.add_grant(client_id, sub, sid) for sid in (here, there, "one that ran out")]
        page = await browser.get("/account/security/password")
        await idp.submit(browser, page, current=password, password=NEW, **end_others)
        assert await idp.is_logged_in(elsewhere) is stays
        assert await idp.is_logged_in(browser)
        live = "SELECT id::text FROM authz.grants WHERE sub = $1 AND revoked_at IS NULL"
        assert {row["id"] for row in await idp.authz.fetch(live, sub)} == set(grants if stays else grants[:1])


@pytest.mark.parametrize(
    ("current", "chosen", "problem"),
    [
        ("wrong", NEW, "That is not your password"),
        ("", NEW, "That is not your password"),
        (None, "short", "too short"),
        (None, "wilhelmina fotheringay", "your name"),
    ],
)
async def test_a_wrong_or_weak_password_changes_nothing(idp, browser, alice, password, current, chosen, problem):
    sub, _ = alice
    page = await browser.get("/account/security/password")
    refused = await idp.submit(browser, page, current=password if current is None else current, password=chosen)
    assert refused.status_code in (400, 403)
    assert problem in refused.text
    async with idp.browser() as other:
        assert (await idp.log_in(other, sub)).outcome == "authenticated"


@pytest.mark.usefixtures("alice")
async def test_guessing_the_current_password_is_limited(idp, browser):
    page = await browser.get("/account/security/password")
    codes = [(await idp.submit(browser, page, current="wrong", password=NEW)).status_code for _ in range(42)]
    assert codes[0] == 403
    assert codes[-1] == 429


async def test_who_has_no_password_chooses_one_after_a_fresh_login(idp, browser, alice):
    sub, _ = alice
    await idp.parts.database.execute("DELETE FROM idp.passwords WHERE sub = $1", sub)
    page = await browser.get("/account/security/password")
    assert "Choose a password" in page.text
    await idp.parts.database.execute(
        "UPDATE idp.sessions SET auth_time = now() - interval '10 minutes' WHERE sub = $1", sub
    )
    assert (await browser.get("/account/security/password")).status_code == 303
    assert (await idp.submit(browser, page, password=NEW)).status_code == 303
    assert await idp.parts.users.has_password(sub) is False


async def test_a_new_address_is_proved_first_and_the_old_one_is_told(idp, browser, alice):
    sub, old = alice
    new = f"{uuid4().hex}@example.org"
    assert (await change_address(idp, browser, new)).headers["location"] == "/account/email?done=sent"
    assert (await claims_of(idp, sub))["email"] == old
    link = link_in(await idp.mail(new))
    for _ in range(2):
        page = await browser.get(link)
        assert page.status_code == 200
        assert (await claims_of(idp, sub))["email"] == old
    done = await idp.submit(browser, page)
    assert done.headers["location"] == "/account/profile?done=email"
    claims = await claims_of(idp, sub)
    assert (claims["email"], claims["email_verified"]) == (new, True)
    assert (await idp.mail(old)).subject == "Your e-mail address was changed"
    assert "email.changed" in await audited(idp, sub)
    assert (await idp.submit(browser, page)).status_code == 410


@pytest.mark.usefixtures("alice")
async def test_a_link_for_one_account_does_nothing_in_another(idp, browser):
    new = f"{uuid4().hex}@example.org"
    await change_address(idp, browser, new)
    link = link_in(await idp.mail(new))
    mallory = await idp.add_user()
    async with idp.browser() as other:
        await idp.log_in(other, mallory)
        assert (await other.get(link)).status_code == 410
        own = await other.get("/account/email")
        csrf = re.search(r'name="csrf" value="([^"]+)"', own.text.rpartition("<form")[2])[1]
        token = link.partition("token=")[2]
        stolen = await other.post("/account/email/confirm", data={"csrf": csrf, "token": token})
        assert stolen.status_code == 410
    assert "email" not in await claims_of(idp, mallory)


async def test_an_address_that_became_anothers_cannot_be_taken(idp, browser, alice):
    sub, old = alice
    new = f"{uuid4().hex}@example.org"
    await change_address(idp, browser, new)
    page = await browser.get(link_in(await idp.mail(new)))
    await idp.add_user(email=new.upper(), email_verified=True)
    assert (await idp.submit(browser, page)).status_code == 410
    assert (await claims_of(idp, sub))["email"] == old


async def test_two_users_who_confirm_one_address_at_once_do_not_both_get_it(idp, address):
    new = f"{uuid4().hex}@example.org"
    browsers, pages, subs, newest = [], [], [], 0
    for _ in range(2):
        browser = idp.browser(address=address)
        subs.append(await idp.add_user())
        await idp.log_in(browser, subs[-1])
        await change_address(idp, browser, new)
        letter = await idp.mail(new, newest)
        newest = letter.id
        browsers.append(browser)
        pages.append(await browser.get(link_in(letter)))
    done = await asyncio.gather(*(idp.submit(one, page) for one, page in zip(browsers, pages, strict=True)))
    assert sorted(answer.status_code for answer in done) == [303, 410]
    for browser in browsers:
        await browser.aclose()


async def test_an_address_is_changed_only_after_a_fresh_login(idp, browser, alice):
    sub, _ = alice
    page = await browser.get("/account/email")
    await idp.parts.database.execute(
        "UPDATE idp.sessions SET auth_time = now() - interval '10 minutes' WHERE sub = $1", sub
    )
    assert (await browser.get("/account/email")).status_code == 303
    refused = await idp.submit(browser, page, email="x@evil.example")
    assert refused.headers["location"].startswith("/oidc/v1/login?ask=")
    assert idp.box.all("x@evil.example") == []


async def test_many_accounts_do_not_fill_one_mailbox(idp, address):
    victim, codes = uuid4().hex, []
    for n in range(7):
        async with idp.browser(address=address) as browser:
            await idp.log_in(browser, await idp.add_user())
            codes.append((await change_address(idp, browser, f"{victim}+{n}@example.org")).status_code)
    assert codes == [303] * 5 + [429] * 2


async def test_the_old_address_undoes_the_change_and_throws_the_thief_out(idp, browser, alice, password):
    sub, old = alice
    thief = f"{uuid4().hex}@evil.example"
    await change_address(idp, browser, thief)
    confirmation = await idp.mail(thief)
    await idp.submit(browser, await browser.get(link_in(confirmation)))
    notice = await idp.mail(old)
    async with idp.browser() as owner:
        page = await owner.get(link_in(notice))
        assert page.status_code == 200
        assert (await claims_of(idp, sub))["email"] == thief
        restored = await idp.submit(owner, page)
        assert "Your address is restored" in restored.text
        assert (await claims_of(idp, sub))["email"] == old
        assert not await idp.is_logged_in(browser)
        told = await idp.mail(thief, confirmation.id)  # might be the owner, and the old address in wrong hands
        assert told.subject == "Your e-mail address was changed"
        assert "token=" not in told.text + told.html
        login = await owner.get(idp.ask())
        assert (await idp.submit(owner, login, username=sub, password=password, action="login")).status_code == 403
        form = await owner.get(link_in(await idp.mail(old, notice.id)))
        await idp.submit(owner, form, password=NEW)
        again = await owner.get(idp.ask())
        answer = idp.answer(await idp.submit(owner, again, username=old, password=NEW, action="login"))
        assert answer.authentication.sub == sub
        assert (await idp.submit(owner, page)).status_code == 410
    assert "email.restored" in await audited(idp, sub)


async def test_what_the_thief_added_to_log_in_with_goes_with_the_undo(idp, browser, alice):
    sub, old = alice
    kept = Authenticator(str(uuid4()), "Owner's", "JBSWY3DPEHPK3PXP", 0, clock.now() - timedelta(days=1), None)
    await idp.parts.totp.add(sub, kept)
    thief = f"{uuid4().hex}@evil.example"
    await change_address(idp, browser, thief)
    await idp.submit(browser, await browser.get(link_in(await idp.mail(thief))))
    added = Authenticator(str(uuid4()), "Thief's", "JBSWY3DPEHPK3PXP", 0, clock.now(), None)
    assert await idp.parts.totp.add(sub, added)
    assert await idp.parts.email_codes.store.turn_on(sub, clock.now())
    await idp.parts.recovery_codes.replace(sub, [b"of the thief"], clock.now())
    async with idp.browser() as owner:
        await idp.submit(owner, await owner.get(link_in(await idp.mail(old))))
    assert [each.name for each in await idp.parts.totp.list_of(sub)] == ["Owner's"]
    assert not await idp.parts.email_codes.store.is_on(sub)
    assert await idp.parts.recovery_codes.left(sub) == 0
    rows = await idp.parts.database.fetch("SELECT details FROM audit.events_of($1, '{factor.removed}', 9)", sub)
    assert sorted(json.loads(row["details"])["name"] for row in rows) == ["Codes by e-mail", "Thief's"]


async def test_a_later_undo_does_not_make_the_owners_useless(idp, browser, alice):
    sub, old = alice
    first, second = (f"{uuid4().hex}@evil.example" for _ in range(2))
    confirmations = []
    for new in (first, second):
        await change_address(idp, browser, new)
        confirmations.append(await idp.mail(new))
        await idp.submit(browser, await browser.get(link_in(confirmations[-1])))
    thiefs = link_in(await idp.mail(first, confirmations[0].id))
    owners = link_in(await idp.mail(old))
    async with idp.browser() as other:
        page = await other.get(thiefs)
        await idp.submit(other, page)
        assert (await claims_of(idp, sub))["email"] == first
        await idp.submit(other, await other.get(owners))
    assert (await claims_of(idp, sub))["email"] == old


async def test_who_logs_in_by_address_needs_a_verified_one(idp, address):
    email = f"{uuid4().hex}@example.org"
    await idp.add_user(email=email, email_verified=False)
    async with idp.browser(address=address) as browser:
        login = await browser.get(idp.ask())
        refused = await idp.submit(
            browser, login, username=email, password="correct horse battery staple", action="login"
        )
        assert refused.status_code == 403

"""A forgotten password: a link by mail, the same for known and unknown accounts, and what ends with the old one."""

import asyncio
import re
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tessera_idp.app import build_app
from tessera_idp.protocol.activity import ACTIONS
from tessera_idp.store import account_changes

pytestmark = pytest.mark.integration
LINK = re.compile(r"https?://\S+")
NEW = "seven purple lamps sing"


@pytest_asyncio.fixture
async def browser(idp, address):
    async with idp.browser(address=address) as client:
        yield client


async def user(idp, **claims):
    email = f"{uuid4().hex}@example.org"
    sub = await idp.add_user(**{"email": email, "email_verified": True, "name": "Wilhelmina Fotheringay"} | claims)
    return sub, email


async def ask_for_reset(idp, browser, account, path="/oidc/v1/reset-password"):
    page = await browser.get(path)
    return await idp.submit(browser, page, account=account)


async def link_to(idp, browser, account, email, after=0):
    assert (await ask_for_reset(idp, browser, account)).status_code == 200
    return LINK.search((await idp.mail(email, after)).text)[0]


async def log_in_with(idp, browser, username, password):
    page = await browser.get(idp.ask())
    return await idp.submit(browser, page, username=username, password=password, action="login")


async def test_a_link_sets_a_new_password_and_the_old_one_is_gone(idp, browser, password):
    sub, email = await user(idp)
    form = await browser.get(await link_to(idp, browser, sub, email))
    done = await idp.submit(browser, form, password=NEW)
    assert done.status_code == 200
    assert "Your password is changed" in done.text
    assert (await log_in_with(idp, browser, sub, password)).status_code == 403
    assert idp.answer(await log_in_with(idp, browser, sub, NEW)).outcome == "authenticated"


@pytest.mark.parametrize("spell", [str, str.upper, " {} ".format])
async def test_username_and_address_name_the_account_however_they_are_spelt(idp, browser, spell):
    sub, email = await user(idp)
    newest = 0
    for account in (sub, email):
        await ask_for_reset(idp, browser, spell(account))
        letter = await idp.mail(email, newest)
        assert letter.subject == "Choose a new password"
        newest = letter.id


async def test_known_and_unknown_accounts_are_answered_alike(idp, browser):
    sub, email = await user(idp)
    _, unverified = await user(idp, email_verified=False)
    disabled, of_disabled = await user(idp)
    await idp.disable(disabled)
    answers = [
        await ask_for_reset(idp, browser, account)
        for account in (unverified, disabled, "nobody-at-all", f"{uuid4().hex}@example.org", sub, email)
    ]
    assert {answer.status_code for answer in answers} == {200}
    words = {re.sub(r'id="entered">[^<]*<', "", answer.text) for answer in answers}
    assert len(words) == 1
    await idp.mail(email)
    assert idp.box.all(unverified) == idp.box.all(of_disabled) == []


async def test_the_same_statements_run_for_known_and_unknown_accounts(idp, browser):
    counts = "SELECT (SELECT count(*) FROM idp.links WHERE purpose = 'reset_password')"
    sub, email = await user(idp)
    made = []
    for account in (sub, uuid4().hex):
        before = await idp.parts.database.fetchval(counts)
        await ask_for_reset(idp, browser, account)
        made.append(await idp.parts.database.fetchval(counts) - before)
    assert made == [1, 1]
    await idp.mail(email)


async def test_opening_the_link_changes_nothing_and_it_works_once(idp, browser):
    sub, email = await user(idp)
    link = await link_to(idp, browser, sub, email)
    for _ in range(3):
        form = await browser.get(link)
        assert form.status_code == 200
    assert (await idp.submit(browser, form, password=NEW)).status_code == 200
    assert (await idp.submit(browser, form, password=NEW)).status_code == 410
    assert (await browser.get(link)).status_code == 410


async def test_a_link_used_twice_at_the_same_time_works_once(idp, browser):
    sub, email = await user(idp)
    form = await browser.get(await link_to(idp, browser, sub, email))
    answers = await asyncio.gather(*(idp.submit(browser, form, password=f"{NEW} {n}") for n in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410, 410]


async def test_every_link_is_useless_once_the_password_was_changed(idp, browser):
    sub, email = await user(idp)
    first = await link_to(idp, browser, sub, email)
    second = await link_to(idp, browser, sub, email, (await idp.mail(email)).id)
    assert first != second
    await idp.submit(browser, await browser.get(second), password=NEW)
    assert (await browser.get(first)).status_code == 410


async def test_an_expired_link_does_nothing(idp, browser):
    sub, email = await user(idp)
    link = await link_to(idp, browser, sub, email)
    form = await browser.get(link)
    await idp.parts.database.execute("UPDATE idp.links SET expires_at = now() WHERE sub = $1", sub)
    assert (await browser.get(link)).status_code == 410
    assert (await idp.submit(browser, form, password=NEW)).status_code == 410
    assert (await log_in_with(idp, browser, sub, NEW)).status_code == 403


async def test_a_link_lasts_half_an_hour(idp, browser):
    sub, email = await user(idp)
    await link_to(idp, browser, sub, email)
    lasts = await idp.parts.database.fetchval("SELECT expires_at - created_at FROM idp.links WHERE sub = $1", sub)
    assert lasts.total_seconds() == 1800


async def test_a_reset_ends_all_sessions_and_grants_and_tells_by_mail(idp, browser):
    sub, email = await user(idp)
    async with idp.browser() as elsewhere:
        answer = await idp.log_in(elsewhere, sub)
        grant = await idp.add_grant(await idp.add_client(client_name="x"), sub, answer.authentication.sid)
        form = await browser.get(await link_to(idp, browser, sub, email))
        newest = (await idp.mail(email)).id
        await idp.submit(browser, form, password=NEW)
        assert not await idp.is_logged_in(elsewhere)
    revoked = await idp.authz.fetchval("SELECT revoked_at FROM authz.grants WHERE id = $1::uuid", grant)
    assert revoked is not None
    assert (await idp.mail(email, newest)).subject == "Your password was changed"
    assert "password.changed" in await audited(idp, sub)


async def test_a_reset_ends_what_was_granted_in_sessions_that_ran_out(idp, browser):
    """A session that runs out leaves its grants alive: whoever got them may have known the old password."""
    sub, email = await user(idp)
    grant = await idp.add_grant(await idp.add_client(client_name="x"), sub, "a session of last week")
    others = await idp.add_grant(await idp.add_client(client_name="x"), f"not {sub}", "a session of last week")
    form = await browser.get(await link_to(idp, browser, sub, email))
    await idp.submit(browser, form, password=NEW)
    statement = "SELECT revoked_at IS NOT NULL FROM authz.grants WHERE id = $1::uuid"
    assert await idp.authz.fetchval(statement, grant)
    assert not await idp.authz.fetchval(statement, others)
    listed = "SELECT EXISTS (SELECT FROM revocation.entries WHERE kind = 'grant_id' AND value = $1)"
    assert await idp.parts.database.fetchval(listed, grant)


async def test_of_two_links_used_at_the_same_time_one_works(idp, browser):
    sub, email = await user(idp)
    newest, pages = 0, []
    for _ in range(2):
        link = await link_to(idp, browser, sub, email, newest)
        newest = (await idp.mail(email, newest)).id
        pages.append(await browser.get(link))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
    async with idp.parts.database.transaction() as tx:  # until both have come as far as the user
        await account_changes.lock(tx, sub)
        uses = [asyncio.create_task(idp.submit(browser, page, password=NEW)) for page in pages]
        while await idp.parts.database.fetchval(waiting) < len(uses):
            await asyncio.sleep(0.01)
    assert sorted(answer.status_code for answer in await asyncio.gather(*uses)) == [200, 410]


async def audited(idp, sub):
    rows = await idp.parts.database.fetch("SELECT action FROM audit.events_of($1, $2, 50)", sub, list(ACTIONS))
    return [row["action"] for row in rows]


async def test_sessions_stay_where_the_setting_says_so(idp):
    accounts = idp.config.accounts.model_copy(update={"reset_ends_sessions": False})
    app = build_app(idp.config.model_copy(update={"accounts": accounts}), idp.parts, idp.master_key)
    sub, email = await user(idp)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=idp.config.public_url) as browser:
        await idp.log_in(browser, sub)
        form = await browser.get(await link_to(idp, browser, sub, email))
        assert (await idp.submit(browser, form, password=NEW)).status_code == 200
        assert await idp.is_logged_in(browser)


async def test_the_login_that_led_there_goes_on(idp, browser):
    sub, email = await user(idp)
    login = await browser.get(idp.ask())
    to_reset = re.search(r'id="forgot-password" href="([^"]+)"', login.text)[1].replace("&amp;", "&")
    await ask_for_reset(idp, browser, sub, to_reset)
    link = LINK.search((await idp.mail(email)).text)[0]
    done = await idp.submit(browser, await browser.get(link), password=NEW)
    onward = re.search(r'id="onward" href="([^"]+)"', done.text)[1].replace("&amp;", "&")
    page = await browser.get(onward)
    assert page.status_code == 200
    answer = idp.answer(await idp.submit(browser, page, username=sub, password=NEW, action="login"))
    assert answer.outcome == "authenticated"


@pytest.mark.parametrize(
    ("password", "problem"),
    [("short", "too short"), ("password12345678", "tried first"), ("fotheringay wilhelmina", "your name")],
)
async def test_a_weak_password_is_refused_and_the_link_still_works(idp, browser, password, problem):
    sub, email = await user(idp)
    form = await browser.get(await link_to(idp, browser, sub, email))
    refused = await idp.submit(browser, form, password=password)
    assert refused.status_code == 400
    assert problem in refused.text
    assert (await idp.submit(browser, refused, password=NEW)).status_code == 200


async def test_links_begin_with_the_public_url_whatever_the_request_calls_this_host(idp, browser):
    sub, email = await user(idp)
    page = await browser.get("/oidc/v1/reset-password", headers={"host": "evil.example"})
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    await browser.post("/oidc/v1/reset-password", data={**fields, "account": sub}, headers={"host": "evil.example"})
    letter = await idp.mail(email)
    assert "evil" not in letter.text + letter.html
    assert f"{idp.config.public_url}/oidc/v1/reset-password/new?token=" in letter.text


async def test_mails_to_one_account_are_limited(idp, browser):
    account = uuid4().hex
    codes = [(await ask_for_reset(idp, browser, account)).status_code for _ in range(8)]
    assert codes[0] == 200
    assert codes[-1] == 429


async def test_a_user_disabled_meanwhile_gets_no_password(idp, browser):
    sub, email = await user(idp)
    form = await browser.get(await link_to(idp, browser, sub, email))
    await idp.disable(sub)
    assert (await idp.submit(browser, form, password=NEW)).status_code == 410

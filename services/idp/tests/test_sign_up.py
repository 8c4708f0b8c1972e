"""Sign-up: a link by mail, a name and a password behind it, and the login that goes on."""

import asyncio
import re
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tessera_idp.app import build_app
from tessera_idp.store import links
from tessera_shared import clock

pytestmark = pytest.mark.integration
LINK = re.compile(r"https?://\S+")
GOOD = "correct horse battery staple"


@pytest_asyncio.fixture
async def browser(idp, address):
    async with idp.browser(address=address) as client:
        yield client


def new_address():
    return f"{uuid4().hex}@example.org"


def link_in(letter):
    return LINK.search(letter.text)[0]


async def sign_up(idp, browser, email, path="/oidc/v1/sign-up"):
    page = await browser.get(path)
    return await idp.submit(browser, page, email=email)


async def link_to(idp, browser, email):
    assert (await sign_up(idp, browser, email)).status_code == 200
    return link_in(await idp.mail(email))


async def test_who_signs_up_has_an_account_with_a_verified_address(idp, browser):
    email = new_address()
    link = await link_to(idp, browser, email)
    made = await idp.submit(browser, await browser.get(link), username=f"u{email[:12]}", password=GOOD)
    assert (made.status_code, made.headers["location"]) == (303, "/account")
    answer = await idp.log_in(browser, email)
    assert answer.outcome == "authenticated"
    user = await idp.parts.users.find(answer.authentication.sub)
    assert user.claims == {"preferred_username": f"u{email[:12]}", "email": email, "email_verified": True}


async def test_the_login_goes_on_after_the_sign_up(idp, browser, fields):
    email, ask = new_address(), idp.ask()
    login = await browser.get(ask)
    to_sign_up = re.search(r'id="to-sign-up" href="([^"]+)"', login.text)[1].replace("&amp;", "&")
    page = await browser.get(to_sign_up)
    assert fields(page)["ask"]
    await idp.submit(browser, page, email=email)
    form = await browser.get(link_in(await idp.mail(email)))
    made = await idp.submit(browser, form, username=f"u{email[:12]}", password=GOOD)
    answer = idp.answer(made)
    assert answer.outcome == "authenticated"
    assert answer.authentication.amr == ("pwd",)


async def test_in_another_browser_there_is_an_account_but_no_login(idp, browser):
    email = new_address()
    page = await browser.get(idp.ask().replace("/login?", "/sign-up?"))
    await idp.submit(browser, page, email=email)
    async with idp.browser() as other:
        form = await other.get(link_in(await idp.mail(email)))
        made = await idp.submit(other, form, username=f"u{email[:12]}", password=GOOD)
        assert made.headers["location"] == "/account"
        assert not await idp.is_logged_in(other)


async def test_known_and_unknown_addresses_are_answered_alike(idp, browser):
    known = new_address()
    await idp.add_user(email=known, email_verified=True)
    answers = [await sign_up(idp, browser, email) for email in (known, new_address())]
    assert len({answer.status_code for answer in answers}) == 1
    shown = [re.sub(r"[0-9a-f]{32}@example.org|tessera-request|[0-9a-f-]{36}", "", answer.text) for answer in answers]
    assert shown[0] == shown[1]
    assert set(answers[0].headers) == set(answers[1].headers)
    assert (await idp.mail(known)).subject == "You already have an account"
    assert "verify-email" not in (await idp.mail(known)).text


async def test_opening_the_link_changes_nothing(idp, browser):
    link = await link_to(idp, browser, new_address())
    for _ in range(3):
        assert (await browser.get(link)).status_code == 200


async def test_a_link_works_once(idp, browser):
    link = await link_to(idp, browser, new_address())
    form = await browser.get(link)
    assert (await idp.submit(browser, form, username=uuid4().hex, password=GOOD)).status_code == 303
    assert (await idp.submit(browser, form, username=uuid4().hex, password=GOOD)).status_code == 410
    assert (await browser.get(link)).status_code == 410


async def test_a_link_used_twice_at_the_same_time_makes_one_account(idp, browser):
    email = new_address()
    form = await browser.get(await link_to(idp, browser, email))
    names = [uuid4().hex for _ in range(5)]
    answers = await asyncio.gather(*(idp.submit(browser, form, username=name, password=GOOD) for name in names))
    assert sorted(answer.status_code for answer in answers) == [303, 410, 410, 410, 410]
    made = await idp.parts.database.fetchval("SELECT count(*) FROM idp.users WHERE username = ANY ($1)", names)
    assert made == 1


async def test_a_second_link_is_useless_once_the_first_was_used(idp, browser):
    email = new_address()
    first = await link_to(idp, browser, email)
    newest = (await idp.mail(email)).id
    await sign_up(idp, browser, email)
    second = link_in(await idp.mail(email, newest))
    await idp.submit(browser, await browser.get(first), username=uuid4().hex, password=GOOD)
    assert (await browser.get(second)).status_code == 410


async def test_an_expired_link_does_nothing_and_is_deleted(idp, browser):
    email = new_address()
    link = await link_to(idp, browser, email)
    form = await browser.get(link)
    await idp.parts.database.execute("UPDATE idp.links SET expires_at = now() WHERE email = $1", email)
    assert (await browser.get(link)).status_code == 410
    assert (await idp.submit(browser, form, username=uuid4().hex, password=GOOD)).status_code == 410
    await links.purge(idp.parts.database, clock.now())
    assert await idp.parts.database.fetchval("SELECT count(*) FROM idp.links WHERE email = $1", email) == 0


async def test_a_link_of_another_kind_or_none_makes_no_account(idp, browser):
    for token in ("", "x", "x" * 43):
        assert (await browser.get("/oidc/v1/verify-email", params={"token": token})).status_code == 410
    email = new_address()
    await idp.add_user(email=email, email_verified=True)
    page = await browser.get("/oidc/v1/reset-password")
    await idp.submit(browser, page, account=email)
    reset = link_in(await idp.mail(email))
    assert (await browser.get(reset.replace("reset-password/new", "verify-email"))).status_code == 410


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"username": "a@b.example", "password": GOOD}, "40 letters"),
        ({"username": "", "password": GOOD}, "40 letters"),
        ({"username": "fine", "password": "short"}, "too short"),
        ({"username": "fine", "password": "password12345678"}, "tried first"),
        ({"username": "wonderland-name", "password": "wonderland-name"}, "easily guessed from your name"),
        ({"username": "alice", "password": GOOD}, "taken"),
        ({"username": "ALICE", "password": GOOD}, "taken"),
    ],
)
async def test_what_may_not_be_chosen_is_told_and_the_link_still_works(idp, browser, typed, problem):
    form = await browser.get(await link_to(idp, browser, new_address()))
    refused = await idp.submit(browser, form, **typed)
    assert refused.status_code in (400, 409)
    assert problem in refused.text
    assert GOOD not in refused.text
    assert (await idp.submit(browser, refused, username=uuid4().hex, password=GOOD)).status_code == 303


async def test_what_is_no_address_gets_no_mail(idp, browser):
    refused = await sign_up(idp, browser, "alice")
    assert refused.status_code == 400
    assert "e-mail address" in refused.text


async def test_a_form_of_another_browser_is_not_served(idp, browser):
    page = await browser.get("/oidc/v1/sign-up")
    async with idp.browser() as other:
        assert (await idp.submit(other, page, email=new_address())).status_code == 403
    form = await browser.get(await link_to(idp, browser, new_address()))
    async with idp.browser() as other:
        stolen = await idp.submit(other, form, username=uuid4().hex, password=GOOD)
        assert stolen.status_code == 403


async def test_links_begin_with_the_public_url_whatever_the_request_calls_this_host(idp, browser):
    email = new_address()
    for headers in ({"host": "evil.example"}, {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}):
        page = await browser.get("/oidc/v1/sign-up", headers=headers)
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
        await browser.post("/oidc/v1/sign-up", data={**fields, "email": email}, headers=headers)
        letter = await idp.mail(email)
        assert "evil" not in letter.text + letter.html
        assert link_in(letter).startswith(f"{idp.config.public_url}/oidc/v1/verify-email?token=")


async def test_the_tenth_mail_to_one_address_waits(idp, browser):
    email = new_address()
    codes = [(await sign_up(idp, browser, email)).status_code for _ in range(8)]
    assert codes[0] == 200
    assert codes[-1] == 429


async def test_one_mailbox_is_not_filled_by_many_names_of_it(idp, browser):
    local = uuid4().hex
    spelt = [f"{local}+{n}@Example.org" if n % 2 else f"{local.upper()}+{n}@example.org" for n in range(8)]
    codes = [(await sign_up(idp, browser, email)).status_code for email in spelt]
    assert codes == [200] * 5 + [429] * 3
    assert (await sign_up(idp, browser, f"{local}-other@example.org")).status_code == 200


async def test_a_closed_sign_up_makes_no_accounts(idp):
    closed = idp.config.model_copy(update={"accounts": idp.config.accounts.model_copy(update={"sign_up": "closed"})})
    app = build_app(closed, idp.parts, idp.master_key)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=idp.config.public_url) as browser:
        assert (await browser.get("/oidc/v1/sign-up")).status_code == 403
        assert (await browser.post("/oidc/v1/sign-up", data={"email": new_address()})).status_code == 403
        assert "to-sign-up" not in (await browser.get(idp.ask())).text


async def test_the_address_of_a_link_may_have_become_anothers(idp, browser):
    email = new_address()
    form = await browser.get(await link_to(idp, browser, email))
    await idp.add_user(email=email, email_verified=True)
    assert (await idp.submit(browser, form, username=uuid4().hex, password=GOOD)).status_code == 410


async def test_no_token_stands_readable_in_the_database(idp, browser):
    email = new_address()
    token = (await link_to(idp, browser, email)).partition("token=")[2]
    rows = await idp.parts.database.fetch("SELECT * FROM idp.links WHERE email = $1", email)
    assert token not in repr([dict(row) for row in rows])


async def test_whether_names_are_taken_is_told_to_no_link_without_end(idp, browser):
    form = await browser.get(await link_to(idp, browser, new_address()))
    tries = [await idp.submit(browser, form, username="alice", password=GOOD) for _ in range(22)]
    assert [answer.status_code for answer in tries] == [409] * 20 + [429] * 2
    assert int(tries[-1].headers["retry-after"]) > 0

"""The account pages: only for the user whose account it is, by a login that is recent enough."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import pytest

from tessera_shared import clock
from tessera_shared.handoff import open_ask

pytestmark = pytest.mark.integration


def asked(idp, response):
    """The ask that leads to the login page."""
    assert response.status_code == 303
    location = urlsplit(response.headers["location"])
    assert (location.netloc, location.path) == ("", "/oidc/v1/login")
    return open_ask(parse_qs(location.query)["ask"][0], idp.ring, clock.now())


async def test_nobody_without_a_login_sees_an_account_page(idp, browser):
    ask = asked(idp, await browser.get("/account?x=1"))
    assert (ask.want, ask.return_to, ask.authenticated_after) == ("login", "/account?x=1", None)


async def test_user_sees_the_own_account_and_can_log_out_there(idp, browser, fields):
    sub = await idp.add_user(name="Alice Liddell")
    await idp.log_in(browser, sub)
    page = await browser.get("/account")
    assert page.status_code == 200
    assert "Alice Liddell" in page.text
    assert 'id="menu-overview" href="/account" aria-current="page"' in page.text
    await browser.post("/oidc/v1/logout", data={**fields(page), "action": "logout"})
    assert (await browser.get("/account")).status_code == 303
    assert not await idp.is_logged_in(browser)


async def test_page_comes_in_the_language_of_the_browser(browser, idp):
    await idp.log_in(browser, await idp.add_user())
    page = await browser.get("/account", headers={"accept-language": "de"})
    assert page.headers["content-language"] == "de"
    assert 'href="?lang=fr"' in page.text


async def test_user_sees_every_session_and_which_one_is_this(idp, browser):
    sub = await idp.add_user()
    async with idp.browser() as phone:
        phone.headers["user-agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6) AppleWebKit/605.1 Safari/604.1"
        await idp.log_in(phone, sub)
        await idp.log_in(browser, sub)
        page = (await browser.get("/account/sessions")).text
    assert page.count("<dt>Address</dt>") == 2
    assert page.count('id="this-session"') == 1
    assert "Safari on iPhone" in page


async def test_user_ends_one_session_and_then_all_others(idp, browser):
    sub = await idp.add_user()
    client_id = await idp.add_client(client_name="Mail")
    async with idp.browser() as one, idp.browser() as two, idp.browser() as three:
        for other in (one, two, three):
            await idp.log_in(other, sub)
        answer = await idp.log_in(browser, sub)
        kept = await idp.add_grant(client_id, sub, answer.authentication.sid)
        page = await browser.get("/account/sessions")
        *_, sid = re.findall(r'name="sid" value="([^"]+)"', page.text)
        ended = await idp.submit(browser, page, action="end", sid=sid)
        assert ended.headers["location"] == "/account/sessions?done=ended"
        assert sum([await idp.is_logged_in(other) for other in (one, two, three)]) == 2
        page = await browser.get(ended.headers["location"])
        assert 'role="status"' in page.text
        await idp.submit(browser, page, action="end_others")
        assert sum([await idp.is_logged_in(other) for other in (one, two, three)]) == 0
    assert await idp.is_logged_in(browser)
    assert not await is_revoked(idp, kept)


async def test_nobody_ends_another_user_s_session(idp, browser):
    mine, theirs = await idp.add_user(), await idp.add_user()
    async with idp.browser() as other, idp.browser() as my_other:
        sid = (await idp.log_in(other, theirs)).authentication.sid
        await idp.log_in(browser, mine)
        await idp.log_in(my_other, mine)
        page = await browser.get("/account/sessions")
        assert (await idp.submit(browser, page, action="end", sid=sid, csrf=csrf_of(page))).status_code == 303
        assert await idp.is_logged_in(other)


@pytest.mark.parametrize("path", ["/account/sessions", "/account/applications"])
async def test_form_counts_only_from_the_user_s_own_page(idp, browser, path):
    sub = await idp.add_user()
    client_id = await allowed(idp, sub)
    async with idp.browser() as other:
        await idp.log_in(other, sub)
        await idp.log_in(browser, sub)
        sent = {"action": "end_others", "client_id": client_id}
        for csrf in ("", "guessed", csrf_of(await other.get(path))):
            assert (await browser.post(path, data={**sent, "csrf": csrf})).status_code == 403
        own = {**sent, "csrf": csrf_of(await browser.get(path))}
        foreign = await browser.post(path, data=own, headers={"sec-fetch-site": "cross-site"})
        assert foreign.status_code == 403
        assert await idp.is_logged_in(other)
    assert await consents(idp, sub) == 1


async def test_user_sees_what_applications_may_do_in_words(idp, browser):
    sub = await idp.add_user()
    tea = {"logo_uri": "https://tea.example/logo.svg", "initiate_login_uri": "https://tea.example/start"}
    client_id = await allowed(idp, sub, **tea)
    await allowed(idp, sub, client_name="Without")
    await allowed(idp, await idp.add_user(), client_name="Somebody else's")
    await idp.log_in(browser, sub)
    page = await browser.get("/account/applications")
    assert f'data-client="{client_id}"' in page.text
    assert "See your email address" in page.text
    begun = re.findall(r'href="(https://tea.example/start[^"]*)"', page.text)
    assert begun == [f"https://tea.example/start?{urlencode({'iss': idp.config.issuer})}"]
    assert page.text.count('id="open-') == 1
    assert "Use “unheard-of”" in page.text
    assert "Somebody else" not in page.text
    assert "img-src 'self' https://tea.example;" in page.headers["content-security-policy"]


async def test_withdrawal_forgets_the_consent_and_revokes_every_grant_of_that_user_and_client(idp, browser):
    sub, other = await idp.add_user(), await idp.add_user()
    client_id = await allowed(idp, sub)
    ended = [await idp.add_grant(client_id, sub, sid) for sid in ("one", "another")]
    kept = [
        await idp.add_grant(client_id, other, "others"),
        await idp.add_grant(await idp.add_client(client_name="Other"), sub, "one"),
    ]
    await idp.log_in(browser, sub)
    page = await browser.get("/account/applications")
    sent = {"csrf": csrf_of(page), "client_id": client_id}
    assert (await browser.post("/account/applications", data=sent)).status_code == 303
    assert [await is_revoked(idp, grant) for grant in (*ended, *kept)] == [True, True, False, False]
    assert await consents(idp, sub) == 0
    assert f'data-client="{client_id}"' not in (await browser.get("/account/applications")).text


async def test_activity_tells_the_user_s_own_events_only(idp, browser):
    sub, other = await idp.add_user(), await idp.add_user()
    browser.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    async with idp.browser() as another:
        await idp.log_in(another, other)
    await idp.log_in(browser, sub)
    page = (await browser.get("/account/activity")).text
    assert page.count("You logged in") == 1
    assert "Firefox on Linux" in page
    german = (await browser.get("/account/activity?lang=de")).text
    assert '<html lang="de"' in german


async def test_session_was_last_used_when_it_was_seen(idp, browser):
    sub = await idp.add_user()
    sid = (await idp.log_in(browser, sub)).authentication.sid
    database = idp.parts.database
    await database.execute("UPDATE idp.sessions SET last_used_at = now() - interval '1 day' WHERE sid = $1", sid)
    await browser.get("/account")
    asked = "SELECT last_used_at > now() - interval '1 minute' FROM idp.sessions WHERE sid = $1"
    assert await database.fetchval(asked, sid)


def csrf_of(page):
    """The token of the page's own forms, which is the last one: the menu's button has another."""
    return re.findall(r'name="csrf" value="([^"]+)"', page.text)[-1]


async def allowed(idp, sub, **metadata):
    """A client that the user has allowed something."""
    client_id = await idp.add_client(**{"client_name": "Mail", **metadata})
    await idp.authz.execute(
        "INSERT INTO authz.consents (sub, client_id, scope, granted_at) VALUES ($1, $2, '{email,unheard-of}', now())",
        sub,
        client_id,
    )
    return client_id


async def consents(idp, sub):
    return await idp.authz.fetchval("SELECT count(*) FROM authz.consents WHERE sub = $1", sub)


async def is_revoked(idp, grant_id):
    listed = await idp.authz.fetchval("SELECT count(*) FROM revocation.entries WHERE value = $1", grant_id)
    revoked = await idp.authz.fetchval("SELECT revoked_at IS NOT NULL FROM authz.grants WHERE id = $1", UUID(grant_id))
    assert bool(listed) is revoked
    return revoked


async def test_security_shows_which_ways_to_log_in_are_set_up(idp, browser):
    await idp.log_in(browser, await idp.add_user())
    page = (await browser.get("/account/security")).text
    assert re.search(r'id="way-password-title">Password\s*<span class="badge">On</span>', page)
    assert 'href="/account/security/password"' in page


async def test_fresh_login_is_asked_for_where_a_change_needs_one(idp, browser):
    sid = (await idp.log_in(browser, await idp.add_user())).authentication.sid
    old = "UPDATE idp.sessions SET auth_time = now() - interval '10 minutes' WHERE sid = $1"
    await idp.parts.database.execute(old, sid)
    ask = asked(idp, await browser.get("/account/security/passkeys"))
    assert ask.return_to == "/account/security/passkeys"
    assert 290 <= clock.seconds(clock.now()) - ask.authenticated_after <= 301
    assert (await browser.get("/account")).status_code == 200

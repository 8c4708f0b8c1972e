"""The account pages: only for the user whose account it is, by a login that is recent enough."""

import html
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


async def add_events(database_as, sub, count, **changes):
    """Events of that user, in as many seconds of the year 2020, or all at once."""
    owner = await database_as("owner")
    step = "interval '0'" if changes.get("at_once") else "number * interval '1 second'"
    await owner.execute(
        "INSERT INTO audit.events (at, service, actor, action, object_type, object_id, origin, outcome, details)"  # noqa: S608 - constants only
        f" SELECT timestamptz '2020-01-01 00:00Z' + {step}, 'idp', 'user:' || $1, 'session.begun', 'session', 'x',"
        " '192.0.2.1', 'done', '{}' FROM generate_series(1, $2) AS number",
        sub,
        count,
    )


async def test_older_activity_is_on_further_pages_and_nothing_is_lost_or_told_twice(idp, browser, database_as):
    sub = await idp.add_user()
    await add_events(database_as, sub, 120)
    await idp.log_in(browser, sub)
    page, times, pages = await browser.get("/account/activity"), [], 1
    assert 'id="newest"' not in page.text
    while True:
        times += re.findall(r'<time datetime="([^"]*)"', page.text)
        older = re.search(r'id="older" href="([^"]*)"', page.text)
        if older is None:
            break
        page, pages = await browser.get(html.unescape(older[1])), pages + 1
        assert 'id="newest" href="/account/activity"' in page.text
    assert (pages, len(times)) == (3, 121)
    assert times == sorted(set(times), reverse=True)


async def test_events_of_one_moment_stay_on_one_page(idp, browser, database_as):
    sub = await idp.add_user()
    await add_events(database_as, sub, 70, at_once=True)
    await idp.log_in(browser, sub)
    page = await browser.get("/account/activity")
    assert page.text.count("<time ") == 71
    last = await browser.get(html.unescape(re.search(r'id="older" href="([^"]*)"', page.text)[1]))
    assert 'id="none"' in last.text


@pytest.mark.parametrize("before", ["x", "2020-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9" * 400])
async def test_page_of_activity_before_what_is_no_time_is_refused(idp, browser, before):
    await idp.log_in(browser, await idp.add_user())
    assert (await browser.get("/account/activity", params={"before": before})).status_code == 400


async def test_times_are_told_in_the_user_s_own_zone(idp, browser):
    await idp.log_in(browser, await idp.add_user(zoneinfo="America/New_York"))
    page = await browser.get("/account/activity")
    assert re.search(r'<time datetime="[^"]*\+00:00">[^<]* E[DS]T</time>', page.text)


async def test_refused_form_can_be_read_in_another_language(idp, browser, fields):
    sub = await idp.add_user()
    page = await browser.get(idp.ask())
    refused = await idp.submit(browser, page, username=sub, password="wrong", action="login")
    link = html.unescape(re.search(r'id="language-de" href="([^"]*)"', refused.text)[1])
    german = await browser.get(f"/oidc/v1/login{link}")
    assert (german.status_code, german.headers["content-language"]) == (200, "de")
    assert fields(german)["ask"] == fields(page)["ask"]
    await idp.log_in(browser, sub)
    away = await browser.post("/account/security/passkeys", data={"action": "add", "csrf": "x"})
    assert away.status_code == 403
    assert 'href="?lang=fr"' in away.text


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

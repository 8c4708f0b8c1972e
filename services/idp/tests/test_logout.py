"""RP-initiated logout, and what a logout ends."""

import base64
import re
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
from joserfc.jwk import RSAKey

from tessera_shared import clock
from tessera_shared.jose.jwt import mint
from tessera_shared.revocation.durable import STREAM

pytestmark = pytest.mark.integration

AFTER = "https://rp.example/after?from=tessera"


@pytest.fixture
async def client_id(idp):
    return await idp.add_client(client_name="Shop", post_logout_redirect_uris=[AFTER, "https://rp.example/other"])


async def logged_in(idp, browser):
    return (await idp.log_in(browser, await idp.add_user())).authentication


def parameters(hint, **changes):
    return {"id_token_hint": hint, "post_logout_redirect_uri": AFTER, "state": "s t/8", **changes}


async def test_without_parameters_the_user_is_asked_and_then_logged_out(idp, browser):
    await logged_in(idp, browser)
    page = await browser.get("/oidc/v1/logout")
    assert page.status_code == 200
    assert await idp.is_logged_in(browser)
    done = await idp.submit(browser, page, action="logout")
    assert done.status_code == 200
    assert "tessera_session" not in browser.cookies
    assert not await idp.is_logged_in(browser)


async def test_cookie_is_dead_after_logout(idp, browser):
    await logged_in(idp, browser)
    cookie = browser.cookies["tessera_session"]
    await idp.submit(browser, await browser.get("/oidc/v1/logout"), action="logout")
    browser.cookies.set("tessera_session", cookie)
    assert not await idp.is_logged_in(browser)


async def test_staying_logged_in_changes_nothing(idp, browser):
    await logged_in(idp, browser)
    assert (await idp.submit(browser, await browser.get("/oidc/v1/logout"), action="stay")).status_code == 200
    assert await idp.is_logged_in(browser)


async def test_confirmation_without_its_token_or_from_another_site_ends_nothing(idp, browser, fields):
    await logged_in(idp, browser)
    page = await browser.get("/oidc/v1/logout")
    assert (await idp.submit(browser, page, csrf="", action="logout")).status_code == 403
    headers = {"sec-fetch-site": "cross-site"}
    data = {**fields(page), "action": "logout"}
    assert (await browser.post("/oidc/v1/logout", data=data, headers=headers)).status_code == 403
    assert await idp.is_logged_in(browser)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_valid_hint_of_this_session_logs_out_and_redirects_with_state(idp, browser, client_id, method):
    who = await logged_in(idp, browser)
    sent = parameters(idp.id_token(client_id, who.sub, who.sid))
    response = await browser.request(
        method, "/oidc/v1/logout", **({"params": sent} if method == "GET" else {"data": sent})
    )
    assert response.status_code == 303
    location = urlsplit(response.headers["location"])
    assert location._replace(query="").geturl() == "https://rp.example/after"
    assert parse_qs(location.query) == {"from": ["tessera"], "state": ["s t/8"]}
    assert not await idp.is_logged_in(browser)


async def test_without_state_the_registered_uri_is_kept_as_it_is(idp, browser, client_id):
    who = await logged_in(idp, browser)
    sent = parameters(idp.id_token(client_id, who.sub, who.sid), state="")
    assert (await browser.get("/oidc/v1/logout", params=sent)).headers["location"] == AFTER


async def test_expired_hint_counts(idp, browser, client_id):
    who = await logged_in(idp, browser)
    hint = idp.id_token(client_id, who.sub, who.sid, iat=1_500_000_000, exp=1_500_000_600)
    assert (await browser.get("/oidc/v1/logout", params=parameters(hint))).status_code == 303


@pytest.mark.parametrize(
    "uri", ["https://rp.example/after", f"{AFTER}/", AFTER.upper(), "https://attacker.example/", "javascript:alert(1)"]
)
async def test_uri_that_is_not_exactly_registered_is_not_followed(idp, browser, client_id, uri):
    who = await logged_in(idp, browser)
    sent = parameters(idp.id_token(client_id, who.sub, who.sid), post_logout_redirect_uri=uri)
    response = await browser.get("/oidc/v1/logout", params=sent)
    assert response.status_code == 200
    assert not await idp.is_logged_in(browser)


def unsigned(header: bytes, payload: bytes):
    """What anybody can make: parts that are well-formed, and no signature of ours."""
    parts = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, payload, b"signature"))
    return lambda _idp, _client_id, _who: ".".join(parts)


def forged(idp, client_id, who):
    """Signed by a key of somebody else, under the kid of ours."""
    key, now = RSAKey.generate_key(2048), clock.seconds(clock.now())
    claims = {
        "iss": idp.config.issuer,
        "aud": client_id,
        "sub": who.sub,
        "sid": who.sid,
        "iat": now,
        "exp": now + 60,
    }
    kid = idp.ring.active("sig", "RS256", clock.now()).kid
    return mint(claims, key=key, kid=kid, alg="RS256", typ="JWT")


HINTS = {
    "no token at all": lambda _idp, _client_id, _who: "garbage",
    "forged": forged,
    "another issuer": lambda idp, c, who: idp.id_token(c, who.sub, who.sid, iss="https://other.example"),
    "unknown client": lambda idp, _c, who: idp.id_token("no such client", who.sub, who.sid),
    "an access token": lambda idp, c, who: idp.id_token(c, who.sub, who.sid, typ="at+jwt"),
    "without sub": lambda idp, c, who: idp.id_token(c, None, who.sid),
    "header nested deep": unsigned(b"[" * 3000, b"{}"),
    "payload nested deep": unsigned(b'{"alg":"RS256","typ":"JWT"}', b"[" * 3000),
    "audience with NUL": unsigned(b'{"alg":"RS256","typ":"JWT"}', b'{"aud":"\\u0000"}'),
    "audience with half a character": unsigned(b'{"alg":"RS256","typ":"JWT"}', b'{"aud":"\\ud800"}'),
    "audience is no text": lambda idp, c, who: idp.id_token({"x": c}, who.sub, who.sid),
}


@pytest.mark.parametrize("kind", HINTS)
async def test_hint_that_is_not_valid_asks_and_never_redirects(idp, browser, client_id, kind):
    who = await logged_in(idp, browser)
    page = await browser.get("/oidc/v1/logout", params=parameters(HINTS[kind](idp, client_id, who)))
    assert page.status_code == 200
    assert await idp.is_logged_in(browser)
    assert (await idp.submit(browser, page, action="logout")).status_code == 200
    assert not await idp.is_logged_in(browser)


async def test_client_id_must_be_the_hints_audience(idp, browser, client_id):
    who = await logged_in(idp, browser)
    other = await idp.add_client(post_logout_redirect_uris=[AFTER])
    sent = parameters(idp.id_token(client_id, who.sub, who.sid), client_id=other)
    assert (await browser.get("/oidc/v1/logout", params=sent)).status_code == 200
    assert await idp.is_logged_in(browser)
    assert (await browser.get("/oidc/v1/logout", params={**sent, "client_id": client_id})).status_code == 303


async def test_uri_without_a_hint_is_not_followed(idp, browser, client_id):
    await logged_in(idp, browser)
    page = await browser.get("/oidc/v1/logout", params={"client_id": client_id, "post_logout_redirect_uri": AFTER})
    assert (await idp.submit(browser, page, action="logout")).status_code == 200


async def test_hint_of_another_users_session_asks_first(idp, browser, client_id):
    async with idp.browser() as other:
        stranger = await logged_in(idp, other)
        await logged_in(idp, browser)
        sent = parameters(idp.id_token(client_id, stranger.sub, stranger.sid))
        page = await browser.get("/oidc/v1/logout", params=sent)
        assert page.status_code == 200
        assert "Shop" in page.text
        assert page.headers["content-security-policy"].endswith(f"form-action 'self' {idp.config.issuer} https:")
        assert await idp.is_logged_in(browser)
        done = await idp.submit(browser, page, action="logout")
        assert done.headers["location"].startswith(AFTER)
        assert not await idp.is_logged_in(browser)
        assert await idp.is_logged_in(other)


async def test_form_of_the_clients_page_comes_without_cookies_and_ends_the_session_that_the_hint_names(
    idp, browser, client_id
):
    who = await logged_in(idp, browser)
    async with idp.browser() as without_cookies:
        headers = {"sec-fetch-site": "cross-site"}
        sent = parameters(idp.id_token(client_id, who.sub, who.sid))
        assert (await without_cookies.post("/oidc/v1/logout", data=sent, headers=headers)).status_code == 303
        assert not await idp.is_logged_in(browser)


async def test_form_without_cookies_and_hint_is_answered_by_a_question(idp, browser):
    await logged_in(idp, browser)
    async with idp.browser() as without_cookies:
        page = await without_cookies.post("/oidc/v1/logout", data={"state": "x"})
        assert 'id="logout"' in page.text


async def test_without_a_session_there_is_nothing_to_ask(browser):
    page = await browser.get("/oidc/v1/logout")
    assert page.status_code == 200
    assert 'id="logout"' not in page.text


async def test_logout_revokes_the_grants_of_the_session_durably_and_announces_them(idp, browser, client_id, redis_as):
    rs = await redis_as("rs")
    before = await rs.last_id(STREAM)
    who = await logged_in(idp, browser)
    mine = {await idp.add_grant(client_id, who.sub, who.sid) for _ in range(2)}
    another = await idp.add_grant(client_id, who.sub, "another session")
    await browser.get("/oidc/v1/logout", params=parameters(idp.id_token(client_id, who.sub, who.sid)))
    listed = await idp.parts.database.fetch("SELECT value, expires_at FROM revocation.entries WHERE kind = 'grant_id'")
    until = {row["value"]: row["expires_at"] for row in listed}
    assert mine <= until.keys()
    assert another not in until
    left = (until[min(mine)] - clock.now()).total_seconds()
    assert 650 < left <= 660  # the access tokens' lifetime and a minute
    announced = await rs.read(STREAM, before, 1.0)
    assert {entry["value"] for _position, entry in announced} == mine


async def test_repeated_parameter_is_a_page_with_400(browser):
    response = await browser.get("/oidc/v1/logout?state=a&state=b")
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("text/html")


async def test_pages_come_in_the_language_that_the_client_names(idp, browser, client_id):
    who = await logged_in(idp, browser)
    sent = {"ui_locales": "xx fr de", "logout_hint": "nobody"}
    sent["id_token_hint"] = idp.id_token(client_id, who.sub, who.sid)
    page = await browser.get("/oidc/v1/logout", params=sent)
    assert page.headers["content-language"] == "fr"
    done = await idp.submit(browser, page, action="logout")
    assert done.headers["content-language"] == "fr"


async def test_another_user_s_logout_hint_asks_first(idp, browser, client_id):
    who = await logged_in(idp, browser)
    hint = idp.id_token(client_id, who.sub, who.sid)
    page = await browser.get("/oidc/v1/logout", params=parameters(hint, logout_hint="somebody else"))
    assert page.status_code == 200
    assert await idp.is_logged_in(browser)
    assert (await browser.get("/oidc/v1/logout", params=parameters(hint, logout_hint=who.sub))).status_code == 303


async def test_all_sessions_of_the_user_end_where_the_user_says_so_and_no_others(idp, browser):
    sub, stranger = await idp.add_user(), await idp.add_user()
    async with idp.browser() as second, idp.browser() as third:
        for one, username in ((browser, sub), (second, sub), (third, stranger)):
            await idp.log_in(one, username)
        page = await browser.get("/oidc/v1/logout")
        assert 'name="everywhere"' in page.text
        await idp.submit(browser, page, action="logout", everywhere="yes")
        assert [await idp.is_logged_in(one) for one in (browser, second, third)] == [False, False, True]


async def test_logout_everywhere_ends_what_was_granted_in_sessions_that_ran_out_as_the_setting_says(
    idp, browser, client_id
):
    who = await logged_in(idp, browser)
    mine, others = [await idp.add_grant(client_id, sub, "last week") for sub in (who.sub, f"not {who.sub}")]
    lasting = await idp.add_grant(client_id, who.sub, "last month")
    await idp.authz.execute("UPDATE authz.grants SET scope = '{openid,offline_access}' WHERE id = $1::uuid", lasting)
    await idp.submit(browser, await browser.get("/oidc/v1/logout"), action="logout", everywhere="yes")
    listed = await idp.parts.database.fetch("SELECT value FROM revocation.entries WHERE kind = 'grant_id'")
    assert {mine, others, lasting} & {row["value"] for row in listed} == {mine}


async def test_frames_are_those_of_the_session_s_clients(idp, browser):
    who = await logged_in(idp, browser)
    told = await idp.add_client(frontchannel_logout_uri="https://rp.example/out?x=1")
    other = await idp.add_client(frontchannel_logout_uri="https://other.example/out")
    await idp.add_grant(told, who.sub, who.sid)
    await idp.add_grant(told, who.sub, who.sid)
    await idp.add_grant(other, who.sub, "another session")
    page = await browser.get("/oidc/v1/logout", params={"id_token_hint": idp.id_token(told, who.sub, who.sid)})
    assert re.findall(r'<iframe src="([^"]+)"', page.text) == [
        f"https://rp.example/out?x=1&amp;iss={quote_plus(idp.config.issuer)}&amp;sid={who.sid}"
    ]
    assert "frame-src https://rp.example;" in page.headers["content-security-policy"]

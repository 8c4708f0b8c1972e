"""Userinfo: to whom, about whom, and how much."""

from dataclasses import replace

import pytest

from tessera_idp.app import build_app
from tessera_shared import clock
from tessera_shared.claims import SCOPE_CLAIMS
from tessera_shared.dpop import ALGS
from tessera_shared.revocation import durable
from tessera_shared.revocation.entry import Revocation
from tessera_shared.revocation.view import RevocationView

pytestmark = pytest.mark.integration

URL = "/oidc/v1/userinfo"


def bearer(token):
    return {"authorization": f"Bearer {token}"}


async def test_token_in_the_header_or_in_a_posted_form_is_accepted(idp, browser):
    sub = await idp.add_user()
    token = idp.access_token(sub)
    for response in (
        await browser.get(URL, headers=bearer(token)),
        await browser.post(URL, headers=bearer(token)),
        await browser.post(URL, data={"access_token": token}),
    ):
        assert response.status_code == 200
        assert response.json() == {"sub": sub}
        assert response.headers["content-type"] == "application/json"
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("scope", [name for name in SCOPE_CLAIMS if name != "openid"])
async def test_each_scope_tells_every_claim_of_its_own_of_the_demo_user(idp, browser, scope):
    alice = (await idp.parts.users.find_with_password("alice")).user
    told = (await browser.get(URL, headers=bearer(idp.access_token(alice.sub, scope=f"openid {scope}")))).json()
    assert set(told) == {"sub", *SCOPE_CLAIMS[scope]}
    assert all(value not in (None, "") for value in told.values())


async def test_claims_that_the_user_does_not_have_are_left_out(idp, browser):
    sub = await idp.add_user(name="Ada", email=None)
    told = (await browser.get(URL, headers=bearer(idp.access_token(sub, scope="openid profile email")))).json()
    assert set(told) == {"sub", "name", "updated_at"}
    assert isinstance(told["updated_at"], int)


async def test_without_a_token_the_challenge_names_no_error(browser):
    for response in (await browser.get(URL), await browser.post(URL), await browser.post(URL, data={"x": "y"})):
        assert response.status_code == 401
        bearer_challenge, dpop_challenge = response.headers["www-authenticate"].split(", DPoP ")
        assert bearer_challenge == 'Bearer realm="tessera"'
        assert dpop_challenge == f'realm="tessera", algs="{" ".join(ALGS)}"'


async def test_token_sent_twice_is_invalid_request(idp, browser):
    token = idp.access_token(await idp.add_user())
    response = await browser.post(URL, headers=bearer(token), data={"access_token": token})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_token_in_the_query_is_not_read(idp, browser):
    response = await browser.get(URL, params={"access_token": idp.access_token(await idp.add_user())})
    assert response.status_code == 401


async def test_without_the_scope_openid_it_is_insufficient_scope(idp, browser):
    for scope in ("profile email", None, "openid2 xopenid"):
        token = idp.access_token(await idp.add_user(), scope=scope)
        response = await browser.get(URL, headers=bearer(token))
        assert response.status_code == 403
        assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
        assert 'scope="openid"' in response.headers["www-authenticate"]


WRONG = {
    "expired": {"exp": 1_500_000_000},
    "another issuer": {"iss": "https://other.example"},
    "another audience": {"aud": "https://other.example"},
    "an ID token": {"typ": "JWT"},
    "no jti": {"jti": None},
    "a client's own token": {"sub": "client:demo-client"},
    "nobody": {"sub": "no such user"},
}


@pytest.mark.parametrize("kind", WRONG)
async def test_token_that_is_not_valid_here_is_invalid_token(idp, browser, kind):
    token = idp.access_token(**{"sub": await idp.add_user(), **WRONG[kind]})
    response = await browser.get(URL, headers=bearer(token))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "é", "x" * 20_000])
async def test_what_is_no_token_is_invalid_token(browser, token):
    response = await browser.get(URL, headers={"authorization": f"Bearer {token}".encode()})
    assert response.status_code == 401


async def test_altered_token_is_refused(idp, browser):
    head, body, signature = idp.access_token(await idp.add_user()).split(".")
    altered = signature[:-3] + ("AAA" if not signature.endswith("AAA") else "BBB")
    assert (await browser.get(URL, headers=bearer(f"{head}.{body}.{altered}"))).status_code == 401


async def test_disabled_or_deleted_user_is_invalid_token(idp, browser):
    disabled, deleted = await idp.add_user(), await idp.add_user()
    tokens = [idp.access_token(sub) for sub in (disabled, deleted)]
    assert [(await browser.get(URL, headers=bearer(token))).status_code for token in tokens] == [200, 200]
    await idp.disable(disabled)
    await idp.parts.database.execute("DELETE FROM idp.users WHERE sub = $1", deleted)
    assert [(await browser.get(URL, headers=bearer(token))).status_code for token in tokens] == [401, 401]


async def test_token_of_a_session_that_logged_out_is_refused(idp, browser):
    who = (await idp.log_in(browser, await idp.add_user())).authentication
    client_id = await idp.add_client()
    grant_id = await idp.add_grant(client_id, who.sub, who.sid)
    token = idp.access_token(who.sub, grant_id=grant_id)
    assert (await browser.get(URL, headers=bearer(token))).status_code == 200
    await browser.get("/oidc/v1/logout", params={"id_token_hint": idp.id_token(client_id, who.sub, who.sid)})
    for _ in range(50):
        response = await browser.get(URL, headers=bearer(token))
        if response.status_code == 401:
            break
    assert response.status_code == 401


async def test_revoked_token_is_refused_as_soon_as_it_is_known(idp, browser):
    token = idp.access_token(await idp.add_user(), jti="revoked-here")
    assert (await browser.get(URL, headers=bearer(token))).status_code == 200
    entry = Revocation("jti", "revoked-here", clock.now().replace(year=2099))
    await durable.add(idp.authz, entry)
    idp.parts.revocations.add(entry)
    assert (await browser.get(URL, headers=bearer(token))).status_code == 401


async def test_while_revocations_cannot_be_known_nothing_is_told(idp):
    blind = replace(idp.parts, revocations=RevocationView(idp.parts.database, idp.parts.redis))
    async with idp.browser(build_app(idp.config, blind, idp.master_key)) as browser:
        response = await browser.get(URL, headers=bearer(idp.access_token(await idp.add_user())))
    assert response.status_code == 503
    assert response.headers["retry-after"]

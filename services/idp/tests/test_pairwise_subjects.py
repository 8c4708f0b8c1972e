"""Pairwise subjects at the identity provider (OpenID Connect Core §8): userinfo, and ID tokens as hints."""

import pytest

pytestmark = pytest.mark.integration

USERINFO, LOGOUT = "/oidc/v1/userinfo", "/oidc/v1/logout"
CB = "https://pairwise.example/cb"
SECTOR = "pairwise.example"


@pytest.fixture
async def client_id(idp):
    return await idp.add_client(
        client_name="Pairwise", redirect_uris=[CB], subject_type="pairwise", post_logout_redirect_uris=[CB]
    )


@pytest.fixture
def told(idp):
    def tell(sub: str, sector: str = SECTOR) -> str:
        return idp.parts.subjects.told(sub, sector)

    return tell


async def ask(idp, browser, sub, client_id):
    token = idp.access_token(sub, client_id=client_id, scope="openid profile")
    return await browser.get(USERINFO, headers={"authorization": f"Bearer {token}"})


async def test_userinfo_finds_the_user_and_tells_the_clients_own_identifier(idp, browser, client_id, told):
    sub = await idp.add_user(name="Ada")
    response = await ask(idp, browser, told(sub), client_id)
    assert response.status_code == 200
    assert response.json()["sub"] == told(sub) != sub
    assert response.json()["name"] == "Ada"


async def test_another_sectors_identifier_and_the_public_one_are_nobodys_here(idp, browser, client_id, told):
    sub = await idp.add_user()
    for other in (sub, told(sub, "other.example")):
        response = await ask(idp, browser, other, client_id)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")


async def test_a_pairwise_identifier_is_nobodys_at_a_client_of_public_ones(idp, browser, told):
    public = await idp.add_client(redirect_uris=[CB])
    sub = await idp.add_user()
    assert (await ask(idp, browser, told(sub), public)).status_code == 401
    assert (await ask(idp, browser, sub, public)).json()["sub"] == sub


async def test_a_logout_by_the_clients_id_token_needs_no_confirmation(idp, browser, client_id, told):
    who = (await idp.log_in(browser, await idp.add_user())).authentication
    hint = idp.id_token(client_id, told(who.sub), who.sid)
    response = await browser.get(LOGOUT, params={"id_token_hint": hint, "post_logout_redirect_uri": CB})
    assert (response.status_code, response.headers["location"]) == (303, CB)
    assert not await idp.is_logged_in(browser)


async def test_an_id_token_with_an_identifier_of_nobody_logs_nobody_out(idp, browser, client_id, told):
    who = (await idp.log_in(browser, await idp.add_user())).authentication
    for sub in (who.sub, told(who.sub, "other.example")):
        hint = idp.id_token(client_id, sub, who.sid)
        response = await browser.get(LOGOUT, params={"id_token_hint": hint, "post_logout_redirect_uri": CB})
        assert response.status_code == 200
        assert await idp.is_logged_in(browser)

"""What a user gets while PostgreSQL or Redis is away, and that all is well when they are back."""

import asyncio

import httpx
import pytest

pytestmark = pytest.mark.integration

USERINFO = "/oidc/v1/userinfo"


async def eventually(request, status):
    """Ask until that status comes, for ten seconds."""
    for _ in range(200):
        response = await request()
        if response.status_code == status:
            return response
        await asyncio.sleep(0.05)
    return pytest.fail(f"still {response.status_code}: {response.text}")


async def test_redis_away_changes_nothing_for_users(own_idp, own_servers):
    async with own_idp.browser() as browser:
        sub = await own_idp.add_user()
        own_servers.kill("redis")
        who = (await own_idp.log_in(browser, sub)).authentication
        grant_id = await own_idp.add_grant(await own_idp.add_client(), sub, who.sid)
        headers = {"authorization": f"Bearer {own_idp.access_token(sub, grant_id=grant_id)}"}
        assert (await browser.get("/health")).status_code == 200
        await eventually(lambda: browser.get(USERINFO, headers=headers), 200)
        page = await browser.get("/oidc/v1/logout")
        assert (await own_idp.submit(browser, page, action="logout")).status_code == 200
        # the logout could not be announced, and is found in the database
        await eventually(lambda: browser.get(USERINFO, headers=headers), 401)
        own_servers.start("redis")


async def test_postgresql_away_is_a_page_that_asks_to_try_again_and_then_it_goes_on(own_idp, own_servers, password):
    async with own_idp.browser() as browser:
        sub = await own_idp.add_user()
        page = await browser.get(own_idp.ask())
        typed = {"username": sub, "password": password, "action": "login"}
        own_servers.kill("postgres")
        away = await own_idp.submit(browser, page, **typed)
        assert away.status_code == 503
        assert away.headers["content-type"].startswith("text/html")
        assert away.headers["retry-after"] == "1"
        health = await browser.get("/health")
        assert (health.status_code, health.json()["failing"]) == (503, ["database"])
        own_servers.start("postgres")
        back: httpx.Response = await eventually(lambda: own_idp.submit(browser, page, **typed), 303)
        assert own_idp.answer(back).authentication.sub == sub
        assert (await browser.get("/health")).status_code == 200

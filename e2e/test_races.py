"""Races: of many requests at the same moment, exactly one wins what can be won once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import httpx
import pytest_asyncio

from e2e.browser import Browser, as_answer
from e2e.relying_party import RelyingParty, error_of
from e2e.stack import Stack

MANY = 50


class Crowd:
    """Many connections, open already, on which the same request is sent at once."""

    def __init__(self, http: httpx.AsyncClient, stack: Stack) -> None:
        self.http = http
        self._stack = stack

    async def post(self, party: RelyingParty, path: str, *forms: dict[str, str]) -> list[httpx.Response]:
        """Send each form `MANY` times in all, all at once."""
        url = self._stack.authz + path
        headers = party.header_credentials()
        await asyncio.gather(*(self.http.get(f"{self._stack.authz}/health") for _ in range(MANY)))
        sent = [self.http.post(url, data=forms[number % len(forms)], headers=headers) for number in range(MANY)]
        return list(await asyncio.gather(*sent))

    async def get(self, url: str, cookies: httpx.Cookies) -> list[httpx.Response]:
        """Open the same address `MANY` times at once, with the cookies of one browser."""
        self.http.cookies = cookies
        return list(await asyncio.gather(*(self.http.get(url) for _ in range(MANY))))


@pytest_asyncio.fixture
async def crowd(stack: Stack, add_request_id: Callable[[httpx.Request], None]) -> AsyncIterator[Crowd]:
    """A crowd whose requests have the test's ids."""

    async def add(request: httpx.Request) -> None:
        add_request_id(request)

    limits = httpx.Limits(max_connections=2 * MANY, max_keepalive_connections=2 * MANY)
    async with httpx.AsyncClient(timeout=60, trust_env=False, limits=limits, event_hooks={"request": [add]}) as http:
        yield Crowd(http, stack)


async def test_fifty_redemptions_of_one_code_give_one_success_whose_tokens_are_then_revoked(
    crowd: Crowd, demo: RelyingParty, alice: Browser
) -> None:
    code = demo.get_code(alice)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": demo.client.redirect_uri,
        "code_verifier": demo.pkce.verifier,
    }
    answers = await crowd.post(demo, "/oauth2/v1/token", form)
    won = [answer.json() for answer in answers if answer.status_code == 200]
    lost = [error_of(answer) for answer in answers if answer.status_code != 200]
    assert (len(won), lost) == (1, ["invalid_grant"] * (MANY - 1))
    # RFC 6749 §4.1.2: the code was used more than once, so nothing that came of it is good any more
    assert demo.introspect(won[0]["access_token"]).json() == {"active": False}
    assert demo.resource(won[0]["access_token"]).status_code == 401
    assert error_of(demo.refresh(won[0]["refresh_token"])) == "invalid_grant"


async def test_fifty_uses_of_one_refresh_token_within_the_grace_period_get_the_same_answer(
    crowd: Crowd, demo: RelyingParty, alice: Browser
) -> None:
    tokens = demo.get_tokens(alice)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answers = await crowd.post(demo, "/oauth2/v1/token", form)
    assert [answer.status_code for answer in answers] == [200] * MANY
    assert len({answer.content for answer in answers}) == 1
    assert demo.is_active(answers[0].json()["access_token"])
    assert demo.refresh(answers[0].json()["refresh_token"]).status_code == 200


async def test_revocation_amid_refreshes_leaves_nothing_alive(crowd: Crowd, demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answers, revoked = await asyncio.gather(
        crowd.post(demo, "/oauth2/v1/token", form), asyncio.to_thread(demo.revoke, tokens["refresh_token"])
    )
    assert revoked.status_code == 200
    for answer in answers:
        if answer.status_code == 200:
            assert demo.introspect(answer.json()["access_token"]).json() == {"active": False}
            assert error_of(demo.refresh(answer.json()["refresh_token"])) == "invalid_grant"
        else:
            assert error_of(answer) == "invalid_grant"


async def test_narrowed_and_whole_refreshes_at_once_make_one_successor(
    crowd: Crowd, demo: RelyingParty, alice: Browser
) -> None:
    tokens = demo.get_tokens(alice)
    whole = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answers = await crowd.post(demo, "/oauth2/v1/token", whole, {**whole, "scope": "openid"})
    assert len({answer.json()["refresh_token"] for answer in answers if answer.status_code == 200}) == 1


async def test_fifty_returns_from_the_identity_provider_give_one_code(
    crowd: Crowd, demo: RelyingParty, alice: Browser
) -> None:
    page = alice.show(demo.authorization_url(prompt="consent"))
    form = {**page.form("allow").fields, "action": "allow"}
    allowed = alice.http.post(f"{demo.stack.idp}/oidc/v1/consent", data=form)
    answers = await crowd.get(allowed.headers["location"], alice.http.cookies)
    won = [answer for answer in answers if answer.status_code == 302]
    assert len(won) == 1
    assert {answer.status_code for answer in answers} == {302, 400}
    answer = as_answer(alice.open(won[0].headers["location"]))
    assert demo.redeem(answer["code"]).status_code == 200


async def test_fifty_revocations_of_one_token_all_succeed(crowd: Crowd, demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    answers = await crowd.post(
        demo, "/oauth2/v1/revoke", {"token": tokens["access_token"]}, {"token": tokens["refresh_token"]}
    )
    assert [answer.status_code for answer in answers] == [200] * MANY
    assert demo.introspect(tokens["access_token"]).json() == {"active": False}


async def test_a_hundred_logins_at_once_starve_nobody(crowd: Crowd, demo: RelyingParty, browser: Browser) -> None:
    page = browser.show(demo.authorization_url())
    form = {**page.form("login").fields, "password": "wrong", "action": "login"}
    url = f"{demo.stack.idp}/oidc/v1/login"
    crowd.http.cookies = browser.http.cookies
    logins = asyncio.gather(*(crowd.http.post(url, data={**form, "username": f"nobody-{n}"}) for n in range(2 * MANY)))
    await asyncio.sleep(0.1)
    started = time.monotonic()
    health = await asyncio.to_thread(httpx.get, f"{demo.stack.idp}/health", timeout=10, trust_env=False)
    assert (health.status_code, time.monotonic() - started < 2) == (200, True)
    statuses = {answer.status_code for answer in await logins}
    assert statuses in ({403}, {403, 503})  # refused, or asked to try again in a moment
    assert "code" in demo.get_answer(browser)

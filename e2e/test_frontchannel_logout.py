"""Front-channel logout (OpenID Connect Front-Channel Logout 1.0) in Chromium: frames tell clients, then it goes on."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from e2e.browser import Browser, Page, as_answer, as_page
from e2e.chromium import SIZES, Callback, Tab, chromium, tab
from e2e.clients import AFTER_LOGOUT, CALLBACK, PASSWORD, USERNAME, Client
from e2e.relying_party import RelyingParty
from e2e.stack import Stack

FRAME = "http://localhost:3000/front"
Register = Callable[..., RelyingParty]


@pytest.fixture
def register(stack: Stack, http: httpx.Client) -> Register:
    """Registers a client and speaks for it."""

    def post(**changes: Any) -> RelyingParty:
        metadata = {
            "client_name": "Framed",
            "redirect_uris": [CALLBACK],
            "post_logout_redirect_uris": [AFTER_LOGOUT],
            "frontchannel_logout_uri": f"{FRAME}/a?kept=1",
            "frontchannel_logout_session_required": True,
            **changes,
        }
        response = http.post(f"{stack.authz}/oauth2/v1/register", json=metadata)
        assert response.status_code == 201, response.text
        made = response.json()
        return RelyingParty(stack, http, Client(made["client_id"], made["client_secret"], scope=made["scope"]))

    return post


@pytest_asyncio.fixture
async def shown(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Tab]:
    """A tab of a Chromium for which the client's place is here; its page may have no errors."""
    callback, options = Callback(), getattr(request, "param", {})
    own = tuple(f"{url}/" for url in stack.urls.values())
    with callback.serve():
        async with chromium(callback) as program, tab(program, callback, own, **options) as opened:
            yield opened
            assert opened.problems == []


async def log_in(shown: Tab, *parties: RelyingParty) -> list[str]:
    """Log in, allow each client, and return their ID tokens."""
    tokens = []
    for party in parties:
        await shown.page.goto(party.authorization_url())
        if await shown.has("#login"):
            await shown.log_in(USERNAME, PASSWORD)
        if await shown.has("#allow"):
            await shown.page.click("#allow")
        tokens.append(str(party.redeem((await shown.answer())["code"]).json()["id_token"]))
    return tokens


def logout_url(party: RelyingParty, **parameters: str) -> str:
    """The end of the session, asked for by the client."""
    return str(party.http.build_request("GET", f"{party.stack.idp}/oidc/v1/logout", params=parameters).url)


def frames_of(shown: Tab) -> list[tuple[str, dict[str, str]]]:
    """What the clients' places were told in frames."""
    found = [answer for answer in shown.callback.answers if answer.url.startswith("/front/")]
    return sorted((answer.url.partition("?")[0], dict(answer.query)) for answer in found)


async def test_each_client_is_told_in_a_frame_and_the_browser_goes_on(shown: Tab, register: Register) -> None:
    first, second = register(), register(frontchannel_logout_uri=f"{FRAME}/b")
    tokens = await log_in(shown, first, second)
    sid = first.verify(tokens[0], "RS256")[1]["sid"]
    url = logout_url(first, id_token_hint=tokens[0], post_logout_redirect_uri=AFTER_LOGOUT, state="s 1")
    await shown.page.goto(url, wait_until="commit")
    assert dict((await shown.answer()).query) == {"state": "s 1"}
    told = {"iss": first.stack.issuer, "sid": sid}
    assert frames_of(shown) == [("/front/a", {"kept": "1", **told}), ("/front/b", told)]


async def test_users_own_logout_tells_in_frames_and_stays(shown: Tab, register: Register) -> None:
    party = register()
    await log_in(shown, party)
    await shown.page.goto(logout_url(party))
    await shown.page.click("#logout")
    assert await shown.page.inner_text("#title") == "You are logged out"
    await shown.page.wait_for_load_state()
    assert [path for path, _ in frames_of(shown)] == ["/front/a"]


@pytest.mark.parametrize("shown", [{"java_script_enabled": False}], indirect=True)
async def test_without_javascript_the_page_refreshes_itself_on(shown: Tab, register: Register) -> None:
    party = register()
    [token] = await log_in(shown, party)
    await shown.page.goto(
        logout_url(party, id_token_hint=token, post_logout_redirect_uri=AFTER_LOGOUT, state="s"),
        wait_until="commit",
    )
    await shown.page.wait_for_selector("#continue")
    assert (await shown.answer()).query == {"state": "s"}
    assert len(frames_of(shown)) == 1


@pytest.mark.parametrize(
    "shown",
    [{"color_scheme": scheme, "viewport": SIZES[size]} for scheme, size in (("light", "phone"), ("dark", "desk"))],
    indirect=True,
    ids=["light-phone", "dark-desk"],
)
async def test_pages_of_the_logout_are_kept_as_pictures(
    shown: Tab, register: Register, request: pytest.FixtureRequest
) -> None:
    party, look = register(), request.node.callspec.id
    [token] = await log_in(shown, party)
    await shown.page.goto(logout_url(party, client_id=party.client.client_id))
    await shown.screenshot(f"logout-question-{look}")
    await shown.page.context.route("**/front/*", lambda _route: None)  # a client that does not answer
    await shown.page.goto(
        logout_url(party, id_token_hint=token, post_logout_redirect_uri=AFTER_LOGOUT), wait_until="commit"
    )
    await shown.page.wait_for_selector("#continue")
    await shown.screenshot(f"logout-telling-{look}")
    await shown.page.wait_for_url(f"{AFTER_LOGOUT}**", timeout=8_000)


def test_frames_are_of_the_clients_origins_and_of_this_session_only(register: Register, browser: Browser) -> None:
    party = register()
    token = party.get_tokens(browser)["id_token"]
    page = as_page(browser.open(logout_url(party, id_token_hint=token, post_logout_redirect_uri=AFTER_LOGOUT)))
    policy = page.response.headers["content-security-policy"]
    assert "frame-src http://localhost:3000;" in policy
    assert page.response.text.count("<iframe") == 1
    assert page.links["continue"] == AFTER_LOGOUT
    again = browser.open(logout_url(party, id_token_hint=token, post_logout_redirect_uri=AFTER_LOGOUT))
    assert as_answer(again).url == AFTER_LOGOUT


def test_page_without_frames_allows_none(register: Register, browser: Browser) -> None:
    party = register(frontchannel_logout_uri=None)
    found = browser.open(logout_url(party))
    assert isinstance(found, Page)
    assert "frame-src" not in found.response.headers["content-security-policy"]

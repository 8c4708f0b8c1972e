"""Debian's libapache2-mod-auth-openidc in front of a page logs a user in and out, and is told of logouts elsewhere."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from e2e import apache as web
from e2e.apache import AFTER, PROTECTED, REDIRECT_URI, URL, Registered
from e2e.chromium import Callback, Tab, chromium, tab
from e2e.clients import PASSWORD, USERNAME
from e2e.containers import HOST
from e2e.relying_party import RelyingParty, bearer
from e2e.stack import OTHER_RESOURCE, Control, Stack

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def client(stack: Stack) -> Registered:
    """What the module is registered as."""
    host = HOST if stack.kind == "compose" else "localhost"
    metadata = {
        "client_name": "A page behind Apache",
        "redirect_uris": [REDIRECT_URI],
        "post_logout_redirect_uris": [AFTER],
        "scope": "openid profile",
        "backchannel_logout_uri": f"{REDIRECT_URI.replace('localhost', host)}?logout=backchannel",
        "backchannel_logout_session_required": True,
    }
    response = httpx.post(f"{stack.authz}/oauth2/v1/register", json=metadata, trust_env=False)
    assert response.status_code == 201, response.text
    made = response.json()
    return Registered(stack.issuer, made["client_id"], made["client_secret"])


@pytest.fixture(scope="module", autouse=True)
def apache(stack: Stack, client: Registered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The server, running."""
    if stack.kind == "url":
        pytest.skip("a stack that was not started here does not reach the tests")
    with web.apache(client, tmp_path_factory.mktemp("apache"), outside=stack.kind == "compose"):
        yield


async def log_in(shown: Tab) -> None:
    """Open the page, and log in and allow on the way."""
    await shown.page.goto(PROTECTED)
    await shown.log_in(USERNAME, PASSWORD)
    if await shown.has("#allow"):
        await shown.page.click("#allow")
    await shown.page.wait_for_selector("#inside")


async def is_inside(shown: Tab) -> bool:
    """Whether the page is shown, and not the login page."""
    await shown.page.goto(PROTECTED)
    return await shown.has("#inside")


async def test_page_behind_apache_is_opened_by_a_login_and_closed_by_a_logout(stack: Stack) -> None:
    callback = Callback()
    async with chromium(callback) as program, tab(program, callback, (), locale="en") as shown:
        await log_in(shown)
        response = await shown.page.goto(PROTECTED)
        assert response is not None
        assert len(response.headers["x-user"]) > 10
        # RP-initiated: the module sends id_token_hint and post_logout_redirect_uri
        await shown.page.goto(f"{REDIRECT_URI}?logout={AFTER}")
        await shown.page.wait_for_selector("#after")
        assert shown.page.url.startswith(AFTER)
        assert not await is_inside(shown)
        assert shown.page.url.startswith(f"{stack.idp}/oidc/v1/login")


async def test_logout_at_the_provider_closes_the_page_behind_apache_by_the_back_channel(
    stack: Stack, control: Control, client: Registered
) -> None:
    callback = Callback()
    async with chromium(callback) as program, tab(program, callback, (), locale="en") as shown:
        await log_in(shown)
        before = len(deliveries(control, client))
        await shown.page.goto(f"{stack.idp}/oidc/v1/logout")
        await shown.page.click("#logout")
        await shown.page.wait_for_selector("#title")
        deadline = time.monotonic() + 20
        while len(found := deliveries(control, client)) == before or found[0]["outcome"] == "pending":
            assert time.monotonic() < deadline, found
        assert (found[0]["outcome"], found[0]["attempts"]) == ("delivered", 1), found
        # the module's own session is gone: nothing else told it, and its cookie is still there
        assert any(cookie["name"] == "mod_auth_openidc_session" for cookie in await shown.page.context.cookies())
        assert not await is_inside(shown)


def deliveries(control: Control, client: Registered) -> list[dict[str, object]]:
    """What the operator sees."""
    done = control.operate("authz", "logouts", "list", "--client", client.client_id, "--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_api_behind_the_documented_configuration_takes_its_own_tokens_only(demo: RelyingParty) -> None:
    def status(token: str) -> int:
        return httpx.get(f"{URL}/reports/", headers=bearer(token), trust_env=False).status_code

    def token(**form: str) -> str:
        return str(demo.token("client_credentials", **form).json()["access_token"])

    assert status(token(scope="profile", resource=OTHER_RESOURCE)) == 200
    assert status(token(scope="profile")) == 401
    assert status(token(scope="email", resource=OTHER_RESOURCE)) == 401
    assert status("no-token") == 401

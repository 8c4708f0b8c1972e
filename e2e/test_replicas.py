"""Replicas: two authz on the same data are one issuer, whichever answers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from e2e.browser import Browser
from e2e.containers import Containers
from e2e.relying_party import RelyingParty, error_of, unverified
from e2e.stack import Control, Stack


@pytest.fixture(scope="module")
def replica(control: Control) -> Iterator[str]:
    """The URL of a second authz."""
    with control.authz_replica({}) as url:
        yield url


def keys_of(http: httpx.Client, url: str) -> set[str]:
    """The kids that an authz publishes."""
    return {key["kid"] for key in http.get(f"{url}/oauth2/v1/jwks").json()["keys"]}


def redeem_at(party: RelyingParty, url: str, code: str) -> httpx.Response:
    """Redeem a code at one of them."""
    form = {"code": code, "redirect_uri": party.client.redirect_uri, "code_verifier": party.pkce.verifier}
    return party.post("/oauth2/v1/token", base=url, grant_type="authorization_code", **form)


def refresh_at(party: RelyingParty, url: str, token: str) -> httpx.Response:
    """Refresh at one of them."""
    return party.post("/oauth2/v1/token", base=url, grant_type="refresh_token", refresh_token=token)


def introspect_at(party: RelyingParty, url: str, token: str) -> bool:
    """Whether one of them calls a token active."""
    return bool(party.post("/oauth2/v1/introspect", base=url, token=token).json()["active"])


def test_replicas_have_one_key_set(stack: Stack, http: httpx.Client, replica: str) -> None:
    assert keys_of(http, replica) == keys_of(http, stack.authz)


def test_code_is_redeemed_whichever_answers_and_once_in_all(
    stack: Stack, demo: RelyingParty, alice: Browser, replica: str
) -> None:
    code = demo.get_code(alice)
    first = redeem_at(demo, replica, code)
    assert first.status_code == 200
    again = redeem_at(demo, stack.authz, code)
    assert (again.status_code, error_of(again)) == (400, "invalid_grant")
    assert not introspect_at(demo, replica, first.json()["access_token"])


def test_refresh_token_is_used_whichever_answers_and_a_retry_gets_the_same(
    stack: Stack, demo: RelyingParty, alice: Browser, replica: str
) -> None:
    tokens = demo.get_tokens(alice)
    at_one = refresh_at(demo, replica, tokens["refresh_token"])
    at_the_other = refresh_at(demo, stack.authz, tokens["refresh_token"])
    assert at_one.status_code == 200
    assert at_one.json() == at_the_other.json()


@pytest.mark.parametrize("what", ["access_token", "refresh_token"])
def test_revocation_at_one_is_known_at_the_other_at_once(
    stack: Stack, demo: RelyingParty, alice: Browser, replica: str, what: str
) -> None:
    for revoking, asked in ((replica, stack.authz), (stack.authz, replica)):
        tokens = demo.get_tokens(alice)
        assert introspect_at(demo, asked, tokens["access_token"])
        assert demo.post("/oauth2/v1/revoke", base=revoking, token=tokens[what]).status_code == 200
        assert not introspect_at(demo, asked, tokens["access_token"])
        assert demo.resource(tokens["access_token"]).status_code == 401


def test_login_begun_at_one_is_finished_at_the_other(
    stack: Stack, demo: RelyingParty, alice: Browser, replica: str
) -> None:
    page = alice.show(demo.authorization_url(prompt="consent"))
    form = {**page.form("allow").fields, "action": "allow"}
    allowed = alice.http.post(f"{stack.idp}/oidc/v1/consent", data=form)
    finished = alice.http.get(allowed.headers["location"].replace(stack.authz, replica))
    assert finished.status_code == 302
    assert "code" in httpx.URL(finished.headers["location"]).params


def test_replicas_that_start_at_once_make_one_key(control: Control, demo: RelyingParty) -> None:
    settings = {"TESSERA_AUTHZ_KEYS__ACCESS_TOKEN_ALG": "ES512"}
    with ExitStack() as stopping, ThreadPoolExecutor(3) as threads:
        replicas = [control.authz_replica(settings) for _ in range(3)]
        urls = list(threads.map(lambda replica: replica.__enter__(), replicas))
        for replica in replicas:
            stopping.callback(replica.__exit__, None, None, None)
        kids = set()
        for url in urls:
            tokens = demo.post("/oauth2/v1/token", base=url, grant_type="client_credentials").json()
            kids.add(unverified(tokens["access_token"])[0]["kid"])
        assert len(kids) == 1


def test_two_containers_behind_the_gateway_share_the_work(
    stack: Stack, control: Control, demo: RelyingParty, alice: Browser
) -> None:
    if not isinstance(control, Containers):
        pytest.skip("only compose scales a service")
    control.scale("authz", 2)
    try:
        for _ in range(10):
            tokens = demo.get_tokens(alice)
            assert demo.resource(tokens["access_token"]).status_code == 200
            refreshed = demo.refresh(tokens["refresh_token"]).json()
            assert demo.revoke(refreshed["refresh_token"]).status_code == 200
            assert demo.introspect(refreshed["access_token"]).json() == {"active": False}
        served = {line.split("|")[0].strip() for line in control.log_lines("/oauth2/v1/token")}
        assert {name for name in served if name.startswith("authz-")} >= {"authz-1", "authz-2"}
    finally:
        control.scale("authz", 1)
    assert httpx.get(f"{stack.authz}/health", trust_env=False).status_code == 200

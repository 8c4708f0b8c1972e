"""Back-channel logout (OpenID Connect Back-Channel Logout 1.0): clients' servers are told when a session ends."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from e2e.browser import Browser, as_answer, as_page
from e2e.clients import CALLBACK, Client
from e2e.conftest import NewBrowser
from e2e.containers import HOST
from e2e.logout_host import HELD, LogoutHost, Told, logout_host
from e2e.relying_party import RelyingParty, error_of
from e2e.stack import Control, Stack

EVENT = "http://schemas.openid.net/event/backchannel-logout"
METADATA = {
    "client_name": "Told",
    "redirect_uris": [CALLBACK],
    "post_logout_redirect_uris": ["http://localhost:3000/"],
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "openid profile offline_access",
}
GIVEN_UP = 5
"""After so many seconds the server hangs up on a client that does not answer: `fetch.TOTAL_SECONDS`."""
Register = Callable[..., RelyingParty]


@pytest.fixture(scope="module")
def receiver(stack: Stack) -> Iterator[LogoutHost]:
    """The clients' server."""
    if stack.kind == "url":
        pytest.skip("a stack that was not started here does not reach the tests")
    with logout_host(HOST if stack.kind == "compose" else "localhost", outside=stack.kind == "compose") as host:
        yield host


@pytest.fixture
def register(stack: Stack, http: httpx.Client) -> Register:
    """Registers a client and speaks for it."""

    def post(uri: str | None, **changes: Any) -> RelyingParty:
        metadata = {**METADATA, **({} if uri is None else {"backchannel_logout_uri": uri}), **changes}
        response = http.post(f"{stack.authz}/oauth2/v1/register", json=metadata)
        assert response.status_code == 201, response.text
        made = response.json()
        return RelyingParty(stack, http, Client(made["client_id"], made["client_secret"], scope=made["scope"]))

    return post


def log_out(party: RelyingParty, browser: Browser, id_token: str | None = None) -> None:
    """Ask for the logout, by the client or, without a token, by the user."""
    parameters = {} if id_token is None else {"id_token_hint": id_token}
    page = as_page(browser.open(f"{party.stack.idp}/oidc/v1/logout", params=parameters))
    if id_token is None:
        page = as_page(browser.submit(page, "logout"))
    assert page.texts["title"] == "You are logged out"


def verified(party: RelyingParty, told: Told, alg: str = "RS256") -> dict[str, Any]:
    """The claims of a logout token, as a client checks it (§2.6)."""
    header, claims = party.verify(told.logout_token, alg)
    assert header["typ"] == "logout+jwt"
    assert told.content_type == "application/x-www-form-urlencoded"
    return claims


def deliveries(control: Control, party: RelyingParty, *options: str) -> list[dict[str, Any]]:
    """What the operator sees."""
    done = control.operate("authz", "logouts", "list", "--client", party.client.client_id, *options, "--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def delivery_with(control: Control, party: RelyingParty, outcome: str) -> dict[str, Any]:
    """The one delivery to this client, once it has come out that way."""
    deadline = time.monotonic() + 20
    while not (found := deliveries(control, party, "--outcome", outcome)):
        assert time.monotonic() < deadline, deliveries(control, party)
    [only] = found
    return only


def test_logout_token_says_which_session_of_whom_has_ended(
    stack: Stack, register: Register, browser: Browser, receiver: LogoutHost
) -> None:
    uri = receiver.new_uri()
    party = register(uri, backchannel_logout_session_required=True)
    tokens = party.get_tokens(browser)
    login = party.verify(tokens["id_token"], "RS256")[1]
    before = int(time.time())
    log_out(party, browser, tokens["id_token"])
    [told] = receiver.wait_for(uri)
    claims = verified(party, told)
    assert set(claims) == {"iss", "aud", "iat", "exp", "jti", "sub", "sid", "events"}
    assert (claims["iss"], claims["aud"], claims["events"]) == (stack.issuer, party.client.client_id, {EVENT: {}})
    assert (claims["sub"], claims["sid"]) == (login["sub"], login["sid"])
    assert before - 1 <= claims["iat"] <= time.time() + 1
    assert 0 < claims["exp"] - claims["iat"] <= 120
    assert len(claims["jti"]) >= 22


def test_logout_token_is_signed_and_named_as_the_clients_id_tokens(
    register: Register, browser: Browser, receiver: LogoutHost
) -> None:
    uri = receiver.new_uri()
    party = register(uri, id_token_signed_response_alg="ES256", subject_type="pairwise")
    tokens = party.get_tokens(browser)
    log_out(party, browser)
    sub = verified(party, receiver.wait_for(uri)[0], "ES256")["sub"]
    assert sub == party.verify(tokens["id_token"], "ES256")[1]["sub"]


def test_every_client_of_the_session_is_told_at_the_same_time_and_no_other(
    register: Register, browser: Browser, new_browser: NewBrowser, receiver: LogoutHost
) -> None:
    uris, elsewhere = [receiver.new_uri(HELD), receiver.new_uri(HELD), receiver.new_uri()], receiver.new_uri()
    parties = [register(uri) for uri in (*uris, None)]
    for party in parties:
        party.get_tokens(browser)
    register(elsewhere).get_tokens(new_browser())
    log_out(parties[0], browser)
    finished = time.monotonic()
    times = [receiver.wait_for(uri)[0].at for uri in uris]
    assert finished - min(times) < GIVEN_UP, "the user waited for a client"
    assert max(times) - min(times) < GIVEN_UP / 2, "one client waited for another"
    receiver.released.set()
    assert receiver.at(elsewhere) == []


def test_client_that_does_not_take_it_is_told_again_and_the_operator_sees_it(
    control: Control, register: Register, browser: Browser, receiver: LogoutHost
) -> None:
    uri = receiver.new_uri(500, 200)
    party = register(uri)
    tokens = party.get_tokens(browser)
    log_out(party, browser, tokens["id_token"])
    told = receiver.wait_for(uri, 2)
    assert len({verified(party, one)["jti"] for one in told}) == 2
    record = delivery_with(control, party, "delivered")
    assert (record["attempts"], record["status"], record["reason"]) == (2, 200, None)
    assert record["sid"] == party.verify(tokens["id_token"], "RS256")[1]["sid"]


def test_client_that_refuses_is_not_told_again(
    control: Control, register: Register, browser: Browser, receiver: LogoutHost
) -> None:
    uri = receiver.new_uri(400)
    party = register(uri)
    party.get_tokens(browser)
    log_out(party, browser)
    record = delivery_with(control, party, "refused")
    assert (record["attempts"], record["status"]) == (1, 400)
    assert len(receiver.at(uri)) == 1


def test_address_inside_is_not_called(control: Control, register: Register, browser: Browser) -> None:
    party = register("https://127.0.0.1:8443/logout")
    party.get_tokens(browser)
    log_out(party, browser)
    deadline = time.monotonic() + 20
    while not (found := deliveries(control, party)) or found[0]["reason"] is None:
        assert time.monotonic() < deadline, found
    assert found[0]["reason"] == "the host has an address that is not public"


def test_another_users_login_in_the_browser_ends_the_session_and_tells(
    control: Control, register: Register, browser: Browser, receiver: LogoutHost
) -> None:
    uri = receiver.new_uri()
    party = register(uri)
    login = party.verify(party.get_tokens(browser)["id_token"], "RS256")[1]
    name = f"user-{time.time_ns()}"
    made = control.operate("idp", "users", "add", name, "--generate-password", "--json")
    page = as_page(browser.open(party.authorization_url(prompt="login")))
    as_page(browser.log_in(page, name, json.loads(made.stdout)["password"]))
    assert verified(party, receiver.wait_for(uri)[0])["sid"] == login["sid"]


@pytest.mark.parametrize("verb", ["revoke", "disable", "remove"])
def test_operator_who_ends_a_session_tells_its_clients(
    control: Control, register: Register, browser: Browser, receiver: LogoutHost, verb: str
) -> None:
    uri, name = receiver.new_uri(), f"user-{time.time_ns()}"
    party = register(uri)
    made = json.loads(control.operate("idp", "users", "add", name, "--generate-password", "--json").stdout)
    code = browser.authorize(party.authorization_url(), name, made["password"])["code"]
    tokens = party.redeem(code).json()
    commands = {
        "revoke": ("sessions", "revoke", "--user", name),
        "disable": ("users", "change", name, "--disable"),
        "remove": ("users", "remove", name),
    }
    done = control.operate("idp", *commands[verb])
    assert done.returncode == 0, done.stderr
    assert verified(party, receiver.wait_for(uri)[0])["sub"] == made["sub"]
    assert error_of(party.refresh(tokens["refresh_token"])) == "invalid_grant"


def test_logging_out_everywhere_ends_and_tells_every_session(
    register: Register, browser: Browser, new_browser: NewBrowser, receiver: LogoutHost, control: Control
) -> None:
    uri, name, other = receiver.new_uri(), f"user-{time.time_ns()}", new_browser()
    party = register(uri)
    password = json.loads(control.operate("idp", "users", "add", name, "--generate-password", "--json").stdout)[
        "password"
    ]
    sids = set()
    for one in (browser, other):
        tokens = party.redeem(one_code(party, one, name, password)).json()
        sids.add(party.verify(tokens["id_token"], "RS256")[1]["sid"])
    confirm = as_page(browser.open(f"{party.stack.idp}/oidc/v1/logout"))
    as_page(browser.submit(confirm, "logout", everywhere="yes"))
    assert {verified(party, told)["sid"] for told in receiver.wait_for(uri, 2)} == sids
    assert as_answer(other.open(party.authorization_url(prompt="none")))["error"] == "login_required"


def one_code(party: RelyingParty, browser: Browser, name: str, password: str) -> str:
    """A code of that user."""
    return browser.authorize(party.authorization_url(), name, password)["code"]


def test_of_two_replicas_one_tells(
    control: Control, register: Register, new_browser: NewBrowser, receiver: LogoutHost
) -> None:
    uris = [receiver.new_uri() for _ in range(5)]
    parties = [register(uri) for uri in uris]
    browser = new_browser()
    tokens = [party.get_tokens(browser) for party in parties]
    with control.authz_replica({}):
        log_out(parties[0], browser, tokens[0]["id_token"])
        for uri in uris:
            receiver.wait_for(uri)
        delivery_with(control, parties[-1], "delivered")
    assert [len(receiver.at(uri)) for uri in uris] == [1] * len(uris)


def test_offline_access_outlives_the_logout_and_the_page_says_so(
    register: Register, browser: Browser, receiver: LogoutHost
) -> None:
    uri = receiver.new_uri()
    party = register(uri)
    online = party.get_tokens(browser)
    offline = party.get_tokens(browser, scope="openid offline_access", prompt="consent")
    confirm = as_page(browser.open(f"{party.stack.idp}/oidc/v1/logout"))
    assert "except those that you allowed to stay connected" in confirm.texts["consequence"]
    as_page(browser.submit(confirm, "logout"))
    receiver.wait_for(uri)
    assert error_of(party.refresh(online["refresh_token"])) == "invalid_grant"
    assert party.refresh(offline["refresh_token"]).status_code == 200


def test_metadata_tells_what_is_served(stack: Stack, http: httpx.Client) -> None:
    told = http.get(f"{stack.authz}/.well-known/openid-configuration").json()
    for name in ("backchannel", "frontchannel"):
        assert told[f"{name}_logout_supported"] is True
        assert told[f"{name}_logout_session_supported"] is True
    assert told["end_session_endpoint"] == f"{stack.idp}/oidc/v1/logout"

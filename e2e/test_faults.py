"""Faults: whatever is killed and started again, nothing is lost that was answered with success."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from e2e.browser import Browser, Page, as_answer, as_page
from e2e.clients import PASSWORD, USERNAME
from e2e.conftest import NewBrowser
from e2e.embedded import Embedded
from e2e.relying_party import RelyingParty, error_of
from e2e.stack import NO_AUTHORITIES, Control, Stack

SERVICES = ("authz", "idp", "rs")
STARTING_ORDER = ("postgres", "redis", *SERVICES)
VICTIMS = [("authz",), ("idp",), ("rs",), ("redis",), ("postgres",), ("redis", "postgres"), STARTING_ORDER]


@pytest.fixture(scope="module", autouse=True)
def measured_so_far(control: Control) -> None:
    """Stop the services gracefully once: what is killed later cannot write down what it executed before."""
    if isinstance(control, Embedded):
        control.stop(*SERVICES)
        control.start(*SERVICES)


@pytest.fixture(autouse=True)
def whole_again(stack: Stack, control: Control) -> Iterator[None]:
    """However a test ends, the next one finds everything running."""
    yield
    running = control.running()
    for name in STARTING_ORDER:
        if name not in running:
            control.start(name)
    wait_until_all_serve(stack)


def wait_until_all_serve(stack: Stack, seconds: float = 20) -> None:
    """Wait until the services say that they can serve."""
    deadline = time.monotonic() + seconds
    waiting = dict(stack.urls)
    while waiting:
        assert time.monotonic() < deadline, f"not healthy after {seconds} s: {waiting}"
        waiting = {name: url for name, url in waiting.items() if status_of(f"{url}/health") != 200}
        time.sleep(0.05)


def status_of(url: str) -> int:
    """The status that comes, 0 for none."""
    try:
        return httpx.get(url, timeout=8, trust_env=False, verify=NO_AUTHORITIES).status_code
    except httpx.HTTPError:
        return 0


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered with success before the fault."""

    login_page: Page
    consent_page: Page
    code: str
    tokens: dict[str, Any]
    rotated: dict[str, Any]
    revoked: str
    revoked_with_its_grant: dict[str, Any]
    used_code: str


def answer_all(demo: RelyingParty, stranger: Browser, alice: Browser) -> Answered:
    """Come to every point of the flow; the revocations last, just before the fault."""
    login_page = stranger.show(demo.authorization_url(state="login page"))
    demo.get_answer(alice)
    consent_page = alice.show(demo.authorization_url(prompt="consent", state="consent page"))
    used_code = demo.get_code(alice)
    demo.redeem(used_code)
    return Answered(
        login_page=login_page,
        consent_page=consent_page,
        code=demo.get_code(alice),
        tokens=demo.get_tokens(alice),
        rotated=demo.refresh(demo.get_tokens(alice)["refresh_token"]).json(),
        used_code=used_code,
        revoked=revoked(demo, demo.token("client_credentials").json()["access_token"]),
        revoked_with_its_grant=revoked_grant(demo, alice),
    )


def revoked(demo: RelyingParty, token: str) -> str:
    """The token, revoked."""
    assert demo.revoke(token).status_code == 200
    return token


def revoked_grant(demo: RelyingParty, alice: Browser) -> dict[str, Any]:
    """The tokens of a grant that was revoked."""
    tokens = demo.get_tokens(alice)
    revoked(demo, tokens["refresh_token"])
    return tokens


@pytest.mark.parametrize("victims", VICTIMS, ids=["-and-".join(victims) for victims in VICTIMS])
def test_nothing_answered_with_success_is_lost_by_a_kill(
    stack: Stack, control: Control, demo: RelyingParty, new_browser: NewBrowser, victims: tuple[str, ...]
) -> None:
    stranger, alice = new_browser(), new_browser()
    before = answer_all(demo, stranger, alice)
    control.kill(*victims)
    control.start(*sorted(victims, key=STARTING_ORDER.index))
    wait_until_all_serve(stack)

    found = stranger.log_in(before.login_page, USERNAME, PASSWORD)
    answer = as_answer(stranger.submit(found, "allow") if isinstance(found, Page) else found)
    assert (answer["state"], demo.redeem(answer["code"]).status_code) == ("login page", 200)
    answer = as_answer(alice.submit(before.consent_page, "allow"))
    assert (answer["state"], demo.redeem(answer["code"]).status_code) == ("consent page", 200)
    assert "code" in as_answer(alice.open(demo.authorization_url(prompt="none")))
    assert demo.redeem(before.code).status_code == 200

    for tokens in (before.tokens, before.rotated):
        assert demo.resource(tokens["access_token"]).status_code == 200
        assert demo.userinfo(tokens["access_token"]).status_code == 200
        assert demo.is_active(tokens["access_token"])
        assert demo.refresh(tokens["refresh_token"]).status_code == 200

    for token in (before.revoked, before.revoked_with_its_grant["access_token"]):
        assert demo.resource(token).status_code == 401
        assert demo.introspect(token).json() == {"active": False}
    assert demo.userinfo(before.revoked_with_its_grant["access_token"]).status_code == 401
    assert error_of(demo.refresh(before.revoked_with_its_grant["refresh_token"])) == "invalid_grant"
    assert error_of(demo.redeem(before.used_code)) == "invalid_grant"


def test_flow_works_without_redis(stack: Stack, control: Control, demo: RelyingParty, new_browser: NewBrowser) -> None:
    control.kill("redis")
    tokens = demo.get_tokens(new_browser())
    assert demo.resource(tokens["access_token"]).status_code == 200
    assert demo.userinfo(tokens["access_token"]).status_code == 200
    refreshed = demo.refresh(tokens["refresh_token"]).json()
    assert demo.revoke(refreshed["refresh_token"]).status_code == 200
    assert demo.introspect(refreshed["access_token"]).json() == {"active": False}
    assert [status_of(f"{url}/health") for url in stack.urls.values()] == [200, 200, 200]


def test_services_start_without_redis_say_so_and_work(
    stack: Stack, control: Control, demo: RelyingParty, new_browser: NewBrowser
) -> None:
    control.kill("redis")
    revoked_before = revoked(demo, demo.token("client_credentials").json()["access_token"])
    for service in SERVICES:
        control.stop(service)
        said = len(control.log_lines("redis does not answer; going on without it"))
        control.start(service)
        assert len(control.log_lines("redis does not answer; going on without it")) == said + 1
    tokens = demo.get_tokens(new_browser())
    assert demo.resource(tokens["access_token"]).status_code == 200
    assert demo.resource(revoked_before).status_code == 401
    assert [status_of(f"{url}/health") for url in stack.urls.values()] == [200, 200, 200]


def test_token_revoked_while_redis_is_down_is_refused_at_once(control: Control, demo: RelyingParty) -> None:
    control.kill("redis")
    accepted = []
    for number in range(12):
        token = demo.token("client_credentials", scope="profile").json()["access_token"]
        assert demo.resource(token).status_code == 200
        revoked(demo, token)
        if demo.resource(token).status_code != 401:
            accepted.append(number)
        time.sleep(0.15)
    assert accepted == []


def test_token_revoked_while_redis_was_down_is_refused_when_redis_is_back(control: Control, demo: RelyingParty) -> None:
    control.kill("redis")
    token = revoked(demo, demo.token("client_credentials").json()["access_token"])
    control.start("redis")
    for _ in range(20):
        assert demo.resource(token).status_code == 401
        time.sleep(0.1)


def test_revoked_token_is_never_accepted_while_redis_and_postgres_are_down(
    stack: Stack, control: Control, demo: RelyingParty
) -> None:
    good = demo.token("client_credentials").json()["access_token"]
    assert demo.resource(good).status_code == 200
    bad = revoked(demo, demo.token("client_credentials").json()["access_token"])
    control.kill("redis", "postgres")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        assert demo.resource(bad).status_code in (401, 503)
        time.sleep(0.1)
    unknown = demo.resource(good)  # it may have been revoked by now, for all that the resource server can know
    assert (unknown.status_code, unknown.json()["error"]) == (503, "temporarily_unavailable")
    assert unknown.headers["retry-after"]
    assert [status_of(f"{url}/health") for url in stack.urls.values()] == [503, 503, 503]
    control.start("postgres")
    wait_until_all_serve(stack)
    assert demo.resource(good).status_code == 200
    assert demo.resource(bad).status_code == 401


def test_resource_server_started_without_redis_knows_what_was_revoked(control: Control, demo: RelyingParty) -> None:
    token = revoked(demo, demo.token("client_credentials").json()["access_token"])
    control.kill("redis", "rs")
    control.start("rs")
    assert demo.resource(token).status_code == 401


def test_resource_server_validates_while_the_issuer_is_away(control: Control, demo: RelyingParty) -> None:
    good = demo.token("client_credentials").json()["access_token"]
    bad = revoked(demo, demo.token("client_credentials").json()["access_token"])
    control.kill("authz")
    assert demo.resource(good).status_code == 200
    assert demo.resource(bad).status_code == 401
    assert demo.resource(bad[:-4] + "AAAA").status_code == 401


def test_without_postgres_the_answer_is_503_and_nothing_is_used_up(
    stack: Stack, control: Control, demo: RelyingParty, new_browser: NewBrowser
) -> None:
    alice = new_browser()
    code = demo.get_code(alice)
    tokens = demo.get_tokens(alice)
    consent = alice.show(demo.authorization_url(prompt="consent"))
    control.kill("postgres")
    for response in (demo.redeem(code), demo.refresh(tokens["refresh_token"]), demo.revoke(tokens["refresh_token"])):
        assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
        assert response.headers["retry-after"]
    page = as_page(new_browser().open(demo.authorization_url()))
    assert page.status == 503
    unavailable = as_page(alice.submit(consent, "allow"))
    assert (unavailable.status, unavailable.texts["error"]) == (503, "temporarily_unavailable")
    health = httpx.get(f"{stack.authz}/health", timeout=10, trust_env=False)
    assert (health.status_code, health.json()["failing"]) == (503, ["database"])
    control.start("postgres")
    wait_until_all_serve(stack)
    assert demo.redeem(code).status_code == 200
    assert demo.refresh(tokens["refresh_token"]).status_code == 200
    assert "code" in as_answer(alice.submit(consent, "allow"))

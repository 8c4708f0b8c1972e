"""What may be used once is used once: in all replicas, while Redis is away, and after it is back."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from e2e import dpop
from e2e.assertions import assertion, presented
from e2e.clients import PRIVATE_KEY
from e2e.dpop import DpopKey
from e2e.relying_party import RelyingParty
from e2e.stack import Control, Stack

TOKEN = "/oauth2/v1/token"


@pytest.fixture
def new_assertion(stack: Stack, http: httpx.Client) -> Callable[[], Callable[[str], int]]:
    """A new assertion; calling it presents it to an authz and tells the status."""

    def make() -> Callable[[str], int]:
        data = {**presented(assertion(PRIVATE_KEY, stack.issuer)), "grant_type": "client_credentials"}
        return lambda base: http.post(base + TOKEN, data=data).status_code

    return make


@pytest.fixture
def whole_again(control: Control) -> Iterator[None]:
    """However a test ends, Redis runs."""
    yield
    if "redis" not in control.running():
        control.start("redis")


def test_an_assertion_is_taken_once_by_all_replicas(
    stack: Stack, control: Control, new_assertion: Callable[[], Callable[[str], int]]
) -> None:
    with control.authz_replica({}) as replica:
        for places in ((stack.authz, replica), (replica, stack.authz)):
            use = new_assertion()
            assert [use(place) for place in places] == [200, 401]


@pytest.mark.usefixtures("whole_again")
def test_an_assertion_is_taken_once_before_during_and_after_an_outage_of_redis(
    stack: Stack, control: Control, new_assertion: Callable[[], Callable[[str], int]]
) -> None:
    before, during = new_assertion(), new_assertion()
    assert before(stack.authz) == 200
    control.kill("redis")
    assert before(stack.authz) == 401, "used before the outage"
    assert [during(stack.authz) for _ in range(3)] == [200, 401, 401]
    control.start("redis")
    assert before(stack.authz) == 401
    assert during(stack.authz) == 401, "used during the outage"
    with control.authz_replica({}) as replica:
        assert during(replica) == 401, "a replica that did not see the outage"
        after = new_assertion()
        assert [after(stack.authz), after(replica)] == [200, 401]


@pytest.mark.usefixtures("whole_again")
def test_a_proof_is_taken_once_during_an_outage_of_redis(stack: Stack, control: Control, demo: RelyingParty) -> None:
    key = DpopKey()
    control.kill("redis")
    token = dpop.token(demo, key).json()["access_token"]
    url = f"{stack.rs}/resource"
    once = key.proof(url, "GET", token=token)
    assert [dpop.call(demo, url, token, [once]).status_code for _ in range(2)] == [200, 401]
    control.start("redis")
    assert dpop.call(demo, url, token, [once]).status_code == 401

"""Requests of one address and wrong credentials are limited; a client goes on from elsewhere."""

from uuid import uuid4

import pytest

from tessera_authz import limits as limits_module
from tessera_authz.limits import Limits, LimitsConfig
from tessera_shared.errors import OAuthError
from tessera_shared.throttle import Allowance, Throttle

pytestmark = pytest.mark.integration

FEW = LimitsConfig(
    authorization_requests_per_address=Allowance(tries=3, minutes=60),
    pushed_requests_per_client=Allowance(tries=4, minutes=60),
    wrong_credentials_per_client_and_address=Allowance(tries=2, minutes=60),
    wrong_credentials_per_address=Allowance(tries=5, minutes=60),
)


@pytest.fixture
async def limits(redis_as):
    return Limits(Throttle(await redis_as("authz")), FEW)


@pytest.fixture
def address():
    """One that no other test uses."""
    return f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"


async def refused(count):
    with pytest.raises(OAuthError) as caught:
        await count
    assert caught.value.status == 429
    assert int(caught.value.headers["retry-after"]) > 0
    return caught.value


async def test_authorization_requests_of_one_address_are_limited(limits, address):
    for _ in range(3):
        await limits.count_authorization_request(address)
    await refused(limits.count_authorization_request(address))
    await limits.count_authorization_request("2001:db8:ffff:ffff::1")


async def test_pushed_requests_are_limited_per_client_that_proved_who_it_is(limits, address):
    client = uuid4().hex
    for _ in range(4):
        await limits.count_pushed_request(client, address, is_public=False)
    await refused(limits.count_pushed_request(client, "2001:db8:aaaa::1", is_public=False))
    await limits.count_pushed_request(uuid4().hex, address, is_public=False)


async def test_pushed_requests_of_public_clients_count_for_their_address(limits, address):
    for _ in range(3):
        await limits.count_pushed_request(uuid4().hex, address, is_public=True)
    await refused(limits.count_pushed_request(uuid4().hex, address, is_public=True))


async def test_after_too_many_wrong_credentials_none_is_checked_from_there_and_elsewhere_all_are(limits, address):
    client = uuid4().hex
    for _ in range(3):
        limits.refuse_blocked(client, address)
        await limits.count_wrong_credentials(client, address)
    with pytest.raises(OAuthError) as caught:
        limits.refuse_blocked(client, address)
    assert caught.value.status == 429
    limits.refuse_blocked(client, "2001:db8:bbbb::1")
    limits.refuse_blocked(uuid4().hex, address)


async def test_an_address_that_tries_many_clients_is_limited_for_all_of_them(limits, address):
    for _ in range(6):
        await limits.count_wrong_credentials(uuid4().hex, address)
    with pytest.raises(OAuthError):
        limits.refuse_blocked(uuid4().hex, address)
    limits.refuse_blocked(uuid4().hex, "2001:db8:cccc::1")


async def test_a_block_ends(redis_as, address):
    quick = FEW.model_copy(update={"wrong_credentials_per_client_and_address": Allowance(tries=1, minutes=0.001)})
    limits, client = Limits(Throttle(await redis_as("authz")), quick), uuid4().hex
    for _ in range(2):
        await limits.count_wrong_credentials(client, address)
    while True:
        try:
            limits.refuse_blocked(client, address)
        except OAuthError:
            continue
        break


async def test_what_is_remembered_is_bounded(limits, address, monkeypatch):
    monkeypatch.setattr(limits_module, "_REMEMBERED", 3)
    for _ in range(8):
        client = uuid4().hex
        for _ in range(3):
            await limits.count_wrong_credentials(client, address)
    assert len(limits._blocked) == 3

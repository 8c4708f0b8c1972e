"""How long access tokens live, told to the identity provider: the longest of those that can still be valid."""

from datetime import timedelta

import pytest

from tessera_authz.store.access_token_lifetimes import tell
from tessera_shared import clock

pytestmark = pytest.mark.integration

LONGEST = "SELECT max(seconds) FROM authz.access_token_lifetimes"


async def test_a_lifetime_counts_until_its_last_tokens_have_expired(fresh_database_as):
    authz, idp = await fresh_database_as("authz"), await fresh_database_as("idp")
    now = clock.now()
    await tell(authz, 7200, now)
    await tell(authz, 600, now + timedelta(minutes=5))  # one replica after the other is started with a shorter one
    assert await idp.fetchval(LONGEST) == 7200
    await tell(authz, 600, now + timedelta(hours=2))
    assert await idp.fetchval(LONGEST) == 7200
    await tell(authz, 600, now + timedelta(hours=3, minutes=1))
    assert await idp.fetchval(LONGEST) == 600


async def test_a_longer_lifetime_counts_at_once_and_the_one_in_force_always(fresh_database_as):
    authz, now = await fresh_database_as("authz"), clock.now()
    await tell(authz, 600, now)
    await tell(authz, 3600, now)
    assert await authz.fetchval(LONGEST) == 3600
    await tell(authz, 3600, now + timedelta(days=400))  # after a long stop
    assert await authz.fetchval(LONGEST) == 3600

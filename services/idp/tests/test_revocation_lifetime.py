"""The end of a session is remembered for as long as authz says that access tokens live; idp has no setting for it."""

from datetime import timedelta

import pytest

from tessera_idp.store.access_tokens import revocation_lifetime
from tessera_shared.access_token import MOST_SECONDS

pytestmark = pytest.mark.integration

TELL = "INSERT INTO authz.access_token_lifetimes VALUES ($1, now())"


async def test_it_is_the_longest_that_authz_says_and_the_longest_there_may_be_until_it_has(fresh_database_as):
    authz, idp = await fresh_database_as("authz"), await fresh_database_as("idp")
    assert await revocation_lifetime(idp) == timedelta(seconds=MOST_SECONDS + 60)
    for seconds in (600, 7200, 300):
        await authz.execute(TELL, seconds)
    assert await revocation_lifetime(idp) == timedelta(seconds=7200 + 60)
    async with idp.transaction() as tx:
        assert await revocation_lifetime(tx) == timedelta(seconds=7200 + 60)

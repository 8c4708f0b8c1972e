"""The demo user: made once, with every standard claim, and left alone later."""

import pytest

from tessera_idp import demo_user
from tessera_idp.store.users import UserStore
from tessera_shared.argon2id import Argon2id
from tessera_shared.claims import SCOPE_CLAIMS

pytestmark = pytest.mark.integration


async def test_has_every_standard_claim():
    standard = {claim for claims in SCOPE_CLAIMS.values() for claim in claims}
    assert set(demo_user.CLAIMS) | {"sub", "updated_at"} == standard


async def test_is_made_once_and_never_overwritten(fresh_database_as):
    database = await fresh_database_as("idp")
    users, passwords = UserStore(database), Argon2id(1, 4)
    await demo_user.ensure_demo_user(users, passwords)
    first = await users.find_with_password("alice")
    assert await passwords.verify(first.hash, "wonderland-42")
    await database.execute("UPDATE idp.users SET disabled = true, claims = '{}' WHERE username = 'alice'")
    await demo_user.ensure_demo_user(users, passwords)
    again = await users.find_with_password("alice")
    assert (again.user.sub, again.hash) == (first.user.sub, first.hash)
    assert again.user.disabled
    assert await database.fetchval("SELECT count(*) FROM idp.users") == 1
    passwords.close()

"""What operators change of users' accounts, and what that makes useless."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tessera_idp.commands import users
from tessera_idp.commands.work import Work
from tessera_idp.protocol.digest import digest
from tessera_idp.store import links
from tessera_idp.store.links import Link, Purpose
from tessera_shared import clock
from tessera_shared.audit import Actor

pytestmark = pytest.mark.integration


@pytest.fixture
def work(idp):
    return Work(idp.config, idp.parts.database, idp.parts.redis, Actor("idp", "operator:test", "", ""))


@pytest.mark.parametrize(
    ("change", "is_useless"),
    [
        ({"generate": True}, True),
        ({"claims": ["email=new@wonderland.example"]}, True),
        ({"claims": ["nickname=Al"]}, False),
    ],
)
async def test_another_password_or_address_makes_links_that_were_mailed_before_useless(idp, work, change, is_useless):
    sub, now = await idp.add_user(email=f"{uuid4().hex}@example.org"), clock.now()
    tokens = {purpose: digest(uuid4().hex) for purpose in Purpose if purpose is not Purpose.SIGN_UP}
    async with idp.parts.database.transaction() as tx:
        for purpose, token in tokens.items():
            await links.add(tx, token, Link(purpose, sub, "old@example.org"), now, now + timedelta(hours=1))
    await users.change(work, sub, **change)
    found = [await links.find(idp.parts.database, token, purpose, now) for purpose, token in tokens.items()]
    assert [one is None for one in found] == [is_useless] * len(tokens)

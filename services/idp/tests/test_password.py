"""Login by password tells nothing by its time."""

import time
from datetime import UTC, datetime
from types import SimpleNamespace

from tessera_idp.login_methods import password
from tessera_idp.login_methods.method import Stage
from tessera_shared.argon2id import Argon2id
from tessera_shared.http import form

STAGE = Stage(None, b"", datetime(2026, 11, 24, tzinfo=UTC))


class NoUsers:
    """A store where nobody is found."""

    async def find_with_password(self, _username):
        """Find nobody."""
        return


async def test_unknown_user_takes_as_long_as_a_wrong_password():
    argon2id = Argon2id(workers=1, queue=1)
    hashed = await argon2id.hash("secret")
    verifiers = SimpleNamespace(users=NoUsers(), passwords=argon2id)
    unknown, wrong = [], []
    sent = form.parse(b"username=nobody&password=guess")
    for _ in range(7):
        started = time.perf_counter()
        assert await password.verify(sent, STAGE, verifiers) is None
        unknown.append(time.perf_counter() - started)
        started = time.perf_counter()
        assert not await argon2id.verify(hashed, "guess")
        wrong.append(time.perf_counter() - started)
    assert min(unknown) > min(wrong) / 2
    argon2id.close()

"""How credentials are found in a request, and how secrets are verified."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest

from tessera_authz.client_auth import _extract, client_secret_basic, client_secret_post
from tessera_authz.client_auth.credentials import ClientIdAlone, Presentation, SecretCredentials
from tessera_authz.client_auth.method import client_id_alone
from tessera_authz.client_auth.secret_verifier import SecretVerifier
from tessera_authz.store.clients import ClientSecret
from tessera_shared.argon2id import Argon2id
from tessera_shared.errors import OAuthError, Unavailable
from tessera_shared.http.form import parse

NOW = datetime(2026, 11, 24, tzinfo=UTC)
EMPTY = parse(b"")


def present(authorization=(), form=EMPTY):
    return Presentation(tuple(authorization), form, "https://as.example/oauth2/v1/token")


def basic(text):
    return ["Basic " + base64.b64encode(text.encode()).decode()]


def test_basic_credentials_are_form_decoded():
    found = client_secret_basic.extract(present(basic("my%20client%3A1:p%2Bss+w%C3%B6rd")))
    assert found == SecretCredentials("my client:1", "p+ss wörd")


@pytest.mark.parametrize(
    "header", [["Basic !!!"], basic("no-colon"), basic("a%00b:c"), ["Basic /w=="], ["Basic \xe9\xe9\xe9"]]
)
def test_unreadable_basic_credentials_are_invalid_request(header):
    with pytest.raises(OAuthError) as caught:
        client_secret_basic.extract(present(header))
    assert caught.value.error == "invalid_request"


def test_another_client_id_in_the_form_is_invalid_request():
    with pytest.raises(OAuthError):
        client_secret_basic.extract(present(basic("a:b"), parse(b"client_id=c")))


def test_each_method_is_recognised():
    assert _extract(present(basic("a:b"))) == (client_secret_basic.extract, SecretCredentials("a", "b"))
    posted = parse(b"client_id=a&client_secret=b")
    assert _extract(present(form=posted)) == (client_secret_post.extract, SecretCredentials("a", "b"))
    assert _extract(present(form=parse(b"client_id=a"))) == (client_id_alone, ClientIdAlone("a"))


def test_two_methods_at_once_are_invalid_request():
    with pytest.raises(OAuthError) as caught:
        _extract(present(basic("a:b"), parse(b"client_id=a&client_secret=b")))
    assert caught.value.error == "invalid_request"


def test_no_client_at_all_is_invalid_client():
    with pytest.raises(OAuthError) as caught:
        _extract(present())
    assert (caught.value.error, caught.value.status) == ("invalid_client", 401)


def test_a_secret_is_not_shown_by_repr():
    assert "hunter2" not in repr(SecretCredentials("a", "hunter2"))


@pytest.fixture
def verifier():
    argon2id = Argon2id(workers=1, queue=1)
    yield SecretVerifier(argon2id)
    argon2id.close()


async def test_the_right_secret_is_verified_and_remembered_without_argon2(verifier, monkeypatch):
    secrets = [ClientSecret(await verifier.hash("right"), None)]
    assert await verifier.verify("c", "right", secrets, NOW)
    monkeypatch.setattr(Argon2id, "verify", lambda *_: pytest.fail("Argon2 was paid again"))
    assert await verifier.verify("c", "right", secrets, NOW)


async def test_a_wrong_secret_is_refused_also_after_the_right_one(verifier):
    secrets = [ClientSecret(await verifier.hash("right"), None)]
    assert await verifier.verify("c", "right", secrets, NOW)
    assert not await verifier.verify("c", "wrong", secrets, NOW)


async def test_an_expired_secret_is_refused_although_it_was_remembered(verifier):
    secrets = [ClientSecret(await verifier.hash("old"), NOW + timedelta(seconds=1))]
    assert await verifier.verify("c", "old", secrets, NOW)
    assert not await verifier.verify("c", "old", secrets, NOW + timedelta(seconds=1))


async def test_a_removed_secret_is_refused_although_it_was_remembered(verifier):
    secrets = [ClientSecret(await verifier.hash("gone"), None)]
    assert await verifier.verify("c", "gone", secrets, NOW)
    assert not await verifier.verify("c", "gone", [], NOW)


async def test_a_client_without_secrets_verifies_nothing(verifier):
    assert not await verifier.verify("c", "", [], NOW)


async def test_wrong_secrets_beyond_what_may_wait_are_sent_away_and_a_remembered_one_still_works(verifier):
    secrets = [ClientSecret(await verifier.hash("right"), None)]
    assert await verifier.verify("c", "right", secrets, NOW)
    wrong = [asyncio.create_task(verifier.verify("c", f"wrong {n}", secrets, NOW)) for n in range(5)]
    await asyncio.sleep(0)
    assert await verifier.verify("c", "right", secrets, NOW)
    results = await asyncio.gather(*wrong, return_exceptions=True)
    assert sum(isinstance(result, Unavailable) for result in results) == 3
    assert results.count(False) == 2

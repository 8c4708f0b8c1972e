"""Validation of access tokens with revocation: remembered, and never accepted while revocation cannot be known."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tessera_shared import access_token
from tessera_shared.access_token import AccessTokenVerifier, RevocationUnknown
from tessera_shared.errors import Unavailable
from tessera_shared.jose.algorithms import generate
from tessera_shared.jose.jwt import Expectation, InvalidToken, mint
from tessera_shared.jose.keys import parse_jwks

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = generate("ES256")
EXPECTATION = Expectation("at+jwt", ("ES256",), "issuer", ("aud",), access_token.REQUIRED, timedelta(seconds=15))


def token(**changes):
    claims = {"iss": "issuer", "aud": "aud", "sub": "alice", "client_id": "c", "iat": 1, "jti": "one"}
    claims |= {"exp": int(NOW.timestamp()) + 600, **changes}
    return mint(claims, key=KEY, kid=KEY.kid, alg="ES256", typ="at+jwt")


class Keys:
    """Followed keys that count how often they were asked."""

    def __init__(self):
        self.keys = parse_jwks({"keys": [KEY.as_dict(private=False)]})
        self.generation = 0
        self.asked = 0

    async def find(self, kid):
        """The key of that kid."""
        self.asked += 1
        return self.keys.get(kid)


class Revocations:
    """A view that says what the test wants."""

    def __init__(self):
        self.current = True
        self.following = True
        self.revoked = set()
        self.listed = set()

    def is_current(self):
        """Whether it may be relied on."""
        return self.current

    def is_following(self):
        """Whether it learns of revocations at once."""
        return self.following

    def is_revoked(self, claims):
        """Whether the token is revoked."""
        return claims["jti"] in self.revoked

    async def is_listed(self, claims):
        """Whether the database knows the token as revoked; None in place of the list: it does not answer."""
        if self.listed is None:
            raise Unavailable("the database is away")
        return claims["jti"] in self.listed


@pytest.fixture
def keys():
    return Keys()


@pytest.fixture
def revocations():
    return Revocations()


@pytest.fixture
def verifier(keys, revocations):
    return AccessTokenVerifier(keys, revocations, EXPECTATION)


async def check_of(verifier, text, now=NOW):
    with pytest.raises(InvalidToken) as refused:
        await verifier.verify(text, now)
    return refused.value.check


async def test_a_token_is_verified_once_and_then_remembered(verifier, keys):
    text = token()
    first, second = await verifier.verify(text, NOW), await verifier.verify(text, NOW)
    assert first == second
    assert keys.asked == 1


async def test_a_remembered_token_is_refused_once_it_has_expired(verifier):
    text = token()
    await verifier.verify(text, NOW)
    await verifier.verify(text, NOW + timedelta(seconds=614))
    assert await check_of(verifier, text, NOW + timedelta(seconds=615)) == "exp"


async def test_a_remembered_token_is_refused_once_it_is_revoked(verifier, revocations):
    text = token()
    await verifier.verify(text, NOW)
    revocations.revoked.add("one")
    assert await check_of(verifier, text) == "revocation"


async def test_a_remembered_token_is_refused_once_its_key_is_gone(verifier, keys):
    text = token()
    await verifier.verify(text, NOW)
    keys.keys = {}
    keys.generation += 1
    assert await check_of(verifier, text) == "kid"


async def test_an_invalid_token_is_never_remembered(verifier):
    text = token(aud="other")
    for _ in range(2):
        assert await check_of(verifier, text) == "aud"


async def test_a_token_that_differs_in_its_signature_alone_is_verified_by_itself(verifier):
    text = token()
    await verifier.verify(text, NOW)
    changed = text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:]
    assert await check_of(verifier, changed) == "signature"


async def test_while_revocation_cannot_be_known_every_token_is_refused(verifier, revocations):
    text = token()
    await verifier.verify(text, NOW)
    revocations.current = False
    with pytest.raises(RevocationUnknown):
        await verifier.verify(text, NOW)
    revocations.current = True
    await verifier.verify(text, NOW)


async def test_while_announcements_do_not_arrive_the_database_is_asked(verifier, revocations):
    text = token()
    revocations.listed.add("one")
    await verifier.verify(text, NOW)
    revocations.following = False
    assert await check_of(verifier, text) == "revocation"
    revocations.listed = None
    await verifier.verify(text, NOW)  # read within the last seconds


async def test_while_revocation_cannot_be_known_the_fallback_decides(keys, revocations):
    asked = []

    async def fallback(text, claims):
        asked.append((text, claims["jti"]))
        return claims["jti"] == "active"

    verifier = AccessTokenVerifier(keys, revocations, EXPECTATION, fallback)
    active, inactive = token(jti="active"), token(jti="inactive")
    await verifier.verify(active, NOW)
    assert asked == []
    revocations.current = False
    await verifier.verify(active, NOW)
    assert await check_of(verifier, inactive) == "introspection"
    assert asked == [(active, "active"), (inactive, "inactive")]


async def test_what_is_known_to_be_revoked_or_invalid_is_refused_without_asking_the_fallback(keys, revocations):
    async def fallback(_text, _claims):
        raise AssertionError

    verifier = AccessTokenVerifier(keys, revocations, EXPECTATION, fallback)
    revocations.current = False
    revocations.revoked.add("one")
    assert await check_of(verifier, token()) == "revocation"
    assert await check_of(verifier, token(aud="other")) == "aud"


async def test_what_is_remembered_is_bounded(verifier, monkeypatch):
    monkeypatch.setattr(access_token, "_CACHE_SIZE", 10)
    for number in range(35):
        await verifier.verify(token(jti=str(number)), NOW)
        assert len(verifier._remembered) <= 10


async def test_a_remembered_token_costs_a_small_part_of_a_verified_one(verifier):
    text = token()
    await verifier.verify(text, NOW)
    started = time.perf_counter()
    for _ in range(1000):
        await verifier.verify(text, NOW)
    assert time.perf_counter() - started < 0.25

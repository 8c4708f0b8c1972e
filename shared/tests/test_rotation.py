"""Rotation as a pure decision, and what the ring says of its keys at each time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_shared.jose.algorithms import generate
from tessera_shared.keystore.ring import (
    KeyRing,
    KeyState,
    NoSuchKey,
    RingKey,
    deserialize_private,
    serialize_private,
)
from tessera_shared.keystore.rotation import RotationPolicy, missing_keys

DAY = timedelta(days=1)
START = datetime(2026, 11, 1, tzinfo=UTC)
POLICY = RotationPolicy(("ES256", "A256GCM"), period=90 * DAY, announce=DAY, overlap=2 * DAY)
KEYS = {alg: generate(alg) for alg in ("ES256", "RS256", "A256GCM", "HS256")}
USES = {"A256GCM": "enc"}


def key(alg="ES256", *, since=START, retired=None, expires=None, kid=None):
    use = USES.get(alg, "sig")
    return RingKey(kid or f"{alg} {since:%m-%d}", use, alg, KEYS[alg], since, since, retired, expires)


def test_an_empty_ring_lacks_one_key_of_each_algorithm_at_once():
    missing = missing_keys(KeyRing([]), POLICY, START)
    assert [(new.alg, new.active_from, new.replaces) for new in missing] == [
        ("ES256", START, None),
        ("A256GCM", START, None),
    ]


def test_a_ring_with_active_keys_lacks_nothing():
    assert missing_keys(KeyRing([key(), key("A256GCM")]), POLICY, START + 88 * DAY) == []


def test_a_successor_is_announced_before_its_predecessor_ends():
    old = key()
    [new] = missing_keys(KeyRing([old, key("A256GCM", since=START + 5 * DAY)]), POLICY, START + 89 * DAY)
    assert (new.alg, new.active_from, new.replaces) == ("ES256", START + 90 * DAY, old)


def test_while_a_successor_waits_no_other_is_made():
    ring = KeyRing([key(since=START + 90 * DAY), key(retired=START + 90 * DAY), key("A256GCM", since=START + 80 * DAY)])
    assert missing_keys(ring, POLICY, START + 89 * DAY + timedelta(hours=1)) == []


def test_after_a_long_stop_the_successor_still_gets_its_announcement():
    now = START + 200 * DAY
    [new] = missing_keys(KeyRing([key(), key("A256GCM", since=now)]), POLICY, now)
    assert new.active_from == now + DAY


def test_when_all_keys_are_retired_a_new_one_signs_at_once():
    now = START + 91 * DAY
    ring = KeyRing([key(retired=START + 90 * DAY, expires=START + 92 * DAY), key("A256GCM", since=now)])
    assert [(new.alg, new.active_from) for new in missing_keys(ring, POLICY, now)] == [("ES256", now)]


@given(st.lists(st.floats(0.01, 40), min_size=1, max_size=60))
def test_whenever_rotation_runs_some_key_signs_and_was_announced(pauses):
    now, keys, announced = START, [], {}
    for pause in pauses:
        for new in missing_keys(KeyRing(keys), POLICY, now):
            if new.replaces is not None:
                at = keys.index(new.replaces)
                end = new.active_from
                keys[at] = key(
                    new.alg, since=keys[at].active_from, retired=end, expires=end + POLICY.overlap, kid=keys[at].kid
                )
            made = key(new.alg, since=new.active_from, kid=f"{new.alg} {len(announced)}")
            keys.insert(0, made)
            announced[made.kid] = now
        for alg in POLICY.algorithms:
            use = USES.get(alg, "sig")
            signer = KeyRing(keys).active(use, alg, now)
            first = announced[signer.kid] == signer.active_from
            assert first or signer.active_from - announced[signer.kid] >= POLICY.announce - timedelta(seconds=1)
        now += pause * DAY


LIFE = key(since=START + DAY, retired=START + 2 * DAY, expires=START + 3 * DAY)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (START, KeyState.NEXT),
        (START + DAY - SECOND, KeyState.NEXT),
        (START + DAY, KeyState.ACTIVE),
        (START + 2 * DAY - SECOND, KeyState.ACTIVE),
        (START + 2 * DAY, KeyState.RETIRED),
        (START + 3 * DAY - SECOND, KeyState.RETIRED),
        (START + 3 * DAY, KeyState.EXPIRED),
    ],
)
def test_a_key_is_next_then_active_then_retired_then_expired(now, state):
    assert LIFE.state(now) is state
    ring = KeyRing([LIFE])
    published = [entry["kid"] for entry in ring.public_jwks(now)["keys"]]
    assert published == list(ring.verification_keys(now)) == ([] if state is KeyState.EXPIRED else [LIFE.kid])
    if state is KeyState.ACTIVE:
        assert ring.active("sig", "ES256", now) is LIFE
    else:
        with pytest.raises(NoSuchKey, match="no active ES256 key"):
            ring.active("sig", "ES256", now)


def test_the_newest_active_key_signs():
    newest_first = KeyRing([key(since=START + DAY), key()])
    assert newest_first.active("sig", "ES256", START + 2 * DAY).active_from == START + DAY
    assert newest_first.active("sig", "ES256", START).active_from == START


def test_the_published_set_holds_no_secret():
    ring = KeyRing([key(alg) for alg in KEYS])
    published = ring.public_jwks(START)["keys"]
    assert {entry["alg"] for entry in published} == {"ES256", "RS256"}
    for entry in published:
        assert not set(entry) & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
        assert {"kty", "use", "kid", "alg"} <= set(entry)
    assert set(ring.verification_keys(START)) == {entry["kid"] for entry in published}


@pytest.mark.parametrize("alg", KEYS)
def test_a_private_key_comes_back_from_its_serialization(alg):
    restored = deserialize_private(serialize_private(KEYS[alg]))
    assert restored.as_dict(private=True) == KEYS[alg].as_dict(private=True)

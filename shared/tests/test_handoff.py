"""The hand-over between authz and idp: what one end seals only the other opens, unchanged and in time."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from tessera_shared import handoff
from tessera_shared.handoff import Answer, Ask, Authentication, ClientDisplay, HandoffRefused
from tessera_shared.http.form import MAX_PARAMETER
from tessera_shared.jose.algorithms import generate
from tessera_shared.jose.jwt import mint
from tessera_shared.keystore.ring import KeyRing, RingKey

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TEXT = st.text(max_size=60)


def ring_key(alg="A256GCM", use="enc", *, retired_at=None, expires_at=None):
    key = generate(alg)
    return RingKey(key.kid, use, alg, key, NOW, NOW - timedelta(days=1), retired_at, expires_at)


KEY = ring_key()
RING = KeyRing([KEY])
CLIENT = ClientDisplay("client", "A client")
ASK = Ask("step", "login", CLIENT, ("openid",), "https://client.example")
ANSWER = Answer("step", "authenticated", Authentication("alice", "sid", 5, "acr", ("pwd",)), ("openid",))
OTHER_RELEASE = {"aud": "authz", "exp": 2**40, "content": {"step": "step", "verdict": "denied"}}
ASKS = st.builds(
    Ask,
    step=TEXT,
    want=st.sampled_from(["login", "consent"]),
    client=st.builds(ClientDisplay, TEXT, TEXT, st.none() | TEXT, st.none() | TEXT, st.none() | TEXT, st.none() | TEXT),
    scope=st.lists(TEXT).map(tuple),
    redirect_origin=TEXT,
    silent=st.booleans(),
    authenticated_after=st.none() | st.integers(),
    login_hint=st.none() | TEXT,
    ui_locales=st.none() | TEXT,
    sub=st.none() | TEXT,
    sid=st.none() | TEXT,
)
AUTHENTICATIONS = st.builds(Authentication, TEXT, TEXT, st.integers(), TEXT, st.lists(TEXT).map(tuple))
ANSWERS = st.builds(
    Answer,
    TEXT,
    st.sampled_from(["authenticated", "consented", "no_session", "denied", "session_ended"]),
    st.none() | AUTHENTICATIONS,
    st.lists(TEXT).map(tuple),
)


@given(ASKS)
def test_an_ask_arrives_as_it_was_sealed(ask):
    assert handoff.open_ask(handoff.seal_ask(ask, KEY, NOW), RING, NOW) == ask


@given(ANSWERS)
def test_an_answer_arrives_as_it_was_sealed(answer):
    assert handoff.open_answer(handoff.seal_answer(answer, KEY, NOW), RING, NOW) == answer


def test_an_ask_cannot_be_replayed_as_an_answer_nor_an_answer_as_an_ask():
    with pytest.raises(HandoffRefused, match="made for the other end"):
        handoff.open_answer(handoff.seal_ask(ASK, KEY, NOW), RING, NOW)
    with pytest.raises(HandoffRefused, match="made for the other end"):
        handoff.open_ask(handoff.seal_answer(ANSWER, KEY, NOW), RING, NOW)


def test_an_ask_opens_as_long_as_a_user_may_take():
    token = handoff.seal_ask(ASK, KEY, NOW)
    assert handoff.open_ask(token, RING, NOW + timedelta(minutes=30, seconds=-1)) == ASK
    with pytest.raises(HandoffRefused, match="expired"):
        handoff.open_ask(token, RING, NOW + timedelta(minutes=30))


def test_an_answer_opens_for_a_minute_only_so_that_it_cannot_be_kept_until_after_a_logout():
    token = handoff.seal_answer(ANSWER, KEY, NOW)
    assert handoff.open_answer(token, RING, NOW + timedelta(seconds=59)) == ANSWER
    with pytest.raises(HandoffRefused, match="expired"):
        handoff.open_answer(token, RING, NOW + timedelta(minutes=1))


def test_the_longest_hints_in_any_script_leave_the_ask_short_enough_for_a_parameter():
    ask = replace(ASK, login_hint="\u6f22" * 512, ui_locales="\u6f22" * 512)
    assert len(handoff.seal_ask(ask, KEY, NOW)) < MAX_PARAMETER


def test_a_key_that_takes_over_a_moment_later_by_this_clock_opens_too():
    ahead = NOW - timedelta(days=1, seconds=1)
    assert handoff.open_answer(handoff.seal_answer(ANSWER, KEY, ahead), RING, ahead) == ANSWER


@given(st.data())
def test_any_changed_character_is_refused(data):
    token = handoff.seal_answer(ANSWER, KEY, NOW)
    place = data.draw(st.integers(0, len(token) - 2).filter(lambda i: token[i] != "." and token[i + 1] != "."))
    other = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda c: c != token[place]))
    with pytest.raises(HandoffRefused):
        handoff.open_answer(token[:place] + other + token[place + 1 :], RING, NOW)


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,60}(\.[A-Za-z0-9_-]{0,20}){0,5}"))
def test_any_text_is_refused_and_breaks_nothing(text):
    with pytest.raises(HandoffRefused):
        handoff.open_answer(text, RING, NOW)


@pytest.mark.parametrize(
    "header", ["[]", '"kid"', "5", "null", "{}", '{"kid":[]}', "[" * 3000, '{"alg":"dir","enc":"A256GCM"}']
)
def test_any_header_is_refused_and_breaks_nothing(header):
    encoded = urlsafe_b64encode(header.encode()).decode()
    with pytest.raises(HandoffRefused):
        handoff.open_answer(f"{encoded}..AAAA.AAAA.AAAA", RING, NOW)


def test_another_ring_does_not_open_it():
    with pytest.raises(HandoffRefused, match="not in the ring"):
        handoff.open_answer(handoff.seal_answer(ANSWER, ring_key(), NOW), RING, NOW)


def test_another_key_under_the_same_kid_does_not_open_it():
    other = ring_key()
    impostor = RingKey(KEY.kid, "enc", "A256GCM", other.key, NOW, NOW, None, None)
    with pytest.raises(HandoffRefused, match="not sealed by the other service"):
        handoff.open_answer(handoff.seal_answer(ANSWER, impostor, NOW), RING, NOW)


def test_a_retired_key_still_opens_and_an_expired_one_does_not():
    retired = ring_key(retired_at=NOW + timedelta(minutes=1), expires_at=NOW + timedelta(minutes=5))
    token = handoff.seal_ask(ASK, retired, NOW)
    assert handoff.open_ask(token, KeyRing([KEY, retired]), NOW + timedelta(minutes=2)) == ASK
    with pytest.raises(HandoffRefused, match="not in the ring"):
        handoff.open_ask(token, KeyRing([KEY, retired]), NOW + timedelta(minutes=5))


def test_a_token_signed_with_a_signing_key_of_the_ring_is_no_handoff():
    signing = ring_key("ES256", "sig")
    claims = {"aud": "authz", "exp": int(NOW.timestamp()) + 60, "content": asdict(ANSWER)}
    token = mint(claims, key=signing.key, kid=signing.kid, alg="ES256", typ="JWT")
    with pytest.raises(HandoffRefused):
        handoff.open_answer(token, KeyRing([KEY, signing]), NOW)


@pytest.mark.parametrize(
    "payload", [[], "text", {}, {"aud": "authz"}, {"aud": "authz", "exp": "late"}, None, OTHER_RELEASE]
)
def test_something_else_sealed_under_the_same_key_is_refused(payload):
    header = {"alg": "dir", "enc": "A256GCM", "kid": KEY.kid}
    token = jwe.encrypt_compact(header, json.dumps(payload).encode(), KEY.key, algorithms=["dir", "A256GCM"])
    with pytest.raises(HandoffRefused):
        handoff.open_answer(token, RING, NOW)


def test_a_compressed_bomb_is_refused():
    header = {"alg": "dir", "enc": "A256GCM", "kid": KEY.kid, "zip": "DEF"}
    content = json.dumps({"aud": "authz", "exp": int(NOW.timestamp()) + 60, "content": asdict(ANSWER)})
    token = jwe.encrypt_compact(header, content.encode(), KEY.key, algorithms=["dir", "A256GCM", "DEF"])
    with pytest.raises(HandoffRefused):
        handoff.open_answer(token, RING, NOW)


def test_what_is_sealed_cannot_be_read_on_the_way():
    token = handoff.seal_ask(Ask("step-secret", "login", CLIENT, (), "o", login_hint="alice@example.com"), KEY, NOW)
    assert "alice" not in token
    assert all("alice" not in str(urlsafe_b64decode(part.encode())) for part in token.split("."))

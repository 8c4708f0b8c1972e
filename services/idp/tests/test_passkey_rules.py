"""Passkeys by plain values: challenges, both ceremonies, and what a login by one is worth."""

import contextlib
import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from e2e.authenticator import BACKED_UP, BACKUP_ELIGIBLE, USER_PRESENT, USER_VERIFIED, Authenticator, to_text
from tessera_idp.config import IdpConfig
from tessera_idp.protocol.passkey import (
    MOST_NAME,
    Passkey,
    RelyingParty,
    challenge_end,
    make_challenge,
    methods_used,
    passkey_name,
)
from tessera_idp.protocol.passkey_ceremony import (
    CeremonyRefused,
    PasskeyUser,
    Registered,
    creation_options,
    read_assertion,
    read_registration,
    request_options,
    verify_assertion,
    verify_registration,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY, NONCE = b"k" * 32, b"n" * 32
ORIGIN = "https://id.example"
PARTY = RelyingParty("id.example", "Example", ORIGIN)
USER = PasskeyUser(b"h" * 64, "alice", "Alice Liddell")
SYNCED = USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP


def authenticator(**changes: Any) -> Authenticator:
    return Authenticator(**{"origin": ORIGIN, "rp_id": PARTY.id, **changes})


def register(device: Authenticator, **client_data: Any) -> Registered:
    challenge = secrets.token_bytes(32)
    answer = read_registration(device.create(creation_options(PARTY, challenge, USER, ()), **client_data))
    return verify_registration(answer, PARTY, challenge)


def as_passkey(made: Registered) -> Passkey:
    return Passkey(
        made.credential_id,
        "id",
        "sub",
        "Phone",
        made.public_key,
        made.sign_count,
        made.transports,
        made.backup_eligible,
        made.backed_up,
        NOW,
    )


# the challenge, WebAuthn §13.4.3


def test_challenge_counts_where_it_was_made_for_until_its_end():
    end = NOW + timedelta(minutes=5)
    challenge = make_challenge(KEY, NONCE, end, "login", "browser", "ask")
    assert challenge_end(challenge, KEY, NOW, "login", "browser", "ask") == end
    assert challenge_end(challenge, KEY, end, "login", "browser", "ask") is None


@pytest.mark.parametrize(
    "bound",
    [
        ("login", "other", "ask"),
        ("login", "browser", "other"),
        ("add", "browser", "ask"),
        ("login", "browsera", "sk"),
        (),
    ],
)
def test_challenge_of_another_page_browser_or_ask_does_not_count(bound):
    challenge = make_challenge(KEY, NONCE, NOW + timedelta(minutes=5), "login", "browser", "ask")
    assert challenge_end(challenge, KEY, NOW, *bound) is None


@given(st.binary(max_size=100))
def test_challenge_nobody_made_does_not_count(challenge):
    assert challenge_end(challenge, KEY, NOW, "login") is None


def test_challenge_with_a_later_end_does_not_count():
    challenge = make_challenge(KEY, NONCE, NOW, "login")
    later = int((NOW + timedelta(hours=1)).timestamp()).to_bytes(8, "big")
    assert challenge_end(challenge[:32] + later + challenge[40:], KEY, NOW, "login") is None


# registration, WebAuthn §7.1


def test_registration_asks_for_a_discoverable_credential_with_user_verification_and_no_attestation():
    existing = as_passkey(register(authenticator()))
    asked = json.loads(creation_options(PARTY, b"c" * 32, USER, [existing]))
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["attestation"] == "none"
    assert asked["excludeCredentials"] == [
        {"type": "public-key", "id": to_text(existing.credential_id), "transports": ["internal"]}
    ]


def test_registration_tells_the_credential_and_its_backup_flags():
    device = authenticator(flags=SYNCED)
    made = register(device)
    assert (made.credential_id, made.backup_eligible, made.backed_up) == (device.credential_id, True, True)
    assert made.transports == ("internal",)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://id.example.evil.example"},
        {"origin": "http://id.example"},
        {"rp_id": "evil.example"},
        {"flags": USER_PRESENT},
        {"flags": USER_VERIFIED},
        {"flags": USER_PRESENT | USER_VERIFIED | BACKED_UP},
    ],
)
def test_registration_by_another_origin_party_or_without_the_user_is_refused(changes):
    with pytest.raises(CeremonyRefused):
        register(authenticator(**changes))


def test_registration_of_another_challenge_or_kind_is_refused():
    with pytest.raises(CeremonyRefused):
        register(authenticator(), challenge=to_text(b"other"))
    with pytest.raises(CeremonyRefused):
        register(authenticator(), type="webauthn.get")


# login, WebAuthn §7.2


def sign_in(device: Authenticator, passkey: Passkey, **client_data: Any) -> tuple[int, bool]:
    challenge = secrets.token_bytes(32)
    answer = read_assertion(device.get(request_options(PARTY, challenge, [passkey]), **client_data))
    asserted = verify_assertion(answer, PARTY, challenge, passkey)
    return asserted.sign_count, asserted.backed_up


def test_login_asks_for_user_verification_and_by_default_for_any_passkey():
    asked = json.loads(request_options(PARTY, b"c" * 32))
    assert (asked["userVerification"], asked["allowCredentials"], asked["rpId"]) == ("required", [], "id.example")


def test_login_by_the_registered_credential_is_accepted():
    device = authenticator(flags=SYNCED)
    passkey = as_passkey(register(device))
    assert sign_in(device, passkey) == (1, True)
    device.flags = USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE
    assert sign_in(device, passkey) == (2, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"flags": USER_PRESENT},
        {"flags": USER_VERIFIED},
        {"flags": SYNCED},
    ],
)
def test_login_by_another_origin_party_or_without_the_user_or_with_other_eligibility_is_refused(changes):
    device = authenticator()
    passkey = as_passkey(register(device))
    for name, value in changes.items():
        setattr(device, name, value)
    with pytest.raises(CeremonyRefused):
        sign_in(device, passkey)


def test_login_by_another_key_challenge_or_kind_is_refused():
    device = authenticator()
    passkey = as_passkey(register(device))
    with pytest.raises(CeremonyRefused):
        sign_in(authenticator(credential_id=device.credential_id), passkey)
    with pytest.raises(CeremonyRefused):
        sign_in(device, passkey, challenge=to_text(b"other"))
    with pytest.raises(CeremonyRefused):
        sign_in(device, passkey, type="webauthn.create")


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path, *(leaf for name, each in value.items() for leaf in _leaves(each, (*path, name)))]
    return [path]


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=40),
    st.binary(max_size=200).map(to_text),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)
DEVICE = authenticator()
PASSKEY = as_passkey(register(DEVICE))
CREATED = json.loads(authenticator().create(creation_options(PARTY, b"c" * 32, USER, ())))
GOT = json.loads(DEVICE.get(request_options(PARTY, b"c" * 32)))


def judge_registration(text: str) -> None:
    answer = read_registration(text)
    verify_registration(answer, PARTY, answer.challenge)


def judge_assertion(text: str) -> None:
    answer = read_assertion(text)
    verify_assertion(answer, PARTY, answer.challenge, PASSKEY)


@given(st.one_of(st.text(), st.recursive(JUNK, lambda inner: st.lists(inner, max_size=3)).map(json.dumps)))
def test_malformed_answer_is_refused_and_breaks_nothing(text):
    with pytest.raises(CeremonyRefused):
        judge_registration(text)
    with pytest.raises(CeremonyRefused):
        judge_assertion(text)


@given(st.data())
def test_answer_with_any_part_replaced_is_judged_and_breaks_nothing(data):
    for answer, judge in ((CREATED, judge_registration), (GOT, judge_assertion)):
        changed = json.loads(json.dumps(answer))
        path = data.draw(st.sampled_from(_leaves(changed)[1:]))
        inner = changed
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = data.draw(JUNK)
        with contextlib.suppress(CeremonyRefused):
            judge(json.dumps(changed))


@given(st.data())
def test_answer_with_any_byte_changed_is_judged_and_breaks_nothing(data):
    for answer, judge in ((CREATED, judge_registration), (GOT, judge_assertion)):
        changed = json.loads(json.dumps(answer))
        name = data.draw(st.sampled_from([name for name in changed["response"] if name != "transports"]))
        text = changed["response"][name]
        at, letter = data.draw(st.integers(0, len(text) - 1)), data.draw(st.sampled_from("ABab01-_"))
        changed["response"][name] = text[:at] + letter + text[at + 1 :]
        with contextlib.suppress(CeremonyRefused):
            judge(json.dumps(changed))


def test_deeply_nested_answer_is_refused():
    for text in ("[" * 4000, '{"id":' * 1600, '{"response":' + "[" * 4000):
        with pytest.raises(CeremonyRefused):
            judge_assertion(text)


@given(st.binary(max_size=300))
def test_attestation_of_any_bytes_is_judged_and_breaks_nothing(content):
    changed = json.loads(json.dumps(CREATED))
    changed["response"]["attestationObject"] = to_text(content)
    with pytest.raises(CeremonyRefused):
        judge_registration(json.dumps(changed))


# what it is worth


def test_passkey_says_what_it_used_by_rfc_8176():
    assert methods_used(backup_eligible=True) == ("swk", "pop", "user")
    assert methods_used(backup_eligible=False) == ("hwk", "pop", "user")


@given(st.text(max_size=300))
def test_name_is_one_short_line_and_never_empty(typed):
    name = passkey_name(typed)
    assert name
    assert len(name) <= MOST_NAME
    assert name == " ".join(name.split()) or len(" ".join(typed.split())) > MOST_NAME


# for which site, WebAuthn §5.1.2


def config(public_url: str, **passkeys: str) -> IdpConfig:
    values = yaml.safe_load((Path(__file__).parents[3] / "configs" / "idp.yml").read_text(encoding="utf-8"))
    return IdpConfig.model_validate({**values, "public_url": public_url, "passkeys": passkeys})


def test_rp_id_is_the_host_or_a_parent_domain_of_it():
    assert config("https://id.example.com:8443").relying_party == RelyingParty(
        "id.example.com", "Tessera", "https://id.example.com:8443"
    )
    shared = config("https://id.example.com", rp_id="example.com", rp_name="Example").relying_party
    assert shared == RelyingParty("example.com", "Example", "https://id.example.com")
    for wrong in ("ample.com", "evil.example", "www.id.example.com"):
        with pytest.raises(ValidationError, match="rp_id"):
            config("https://id.example.com", rp_id=wrong)

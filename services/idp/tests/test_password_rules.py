"""Which passwords may be chosen (NIST SP 800-63B-4 §3.1.1.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_idp.password_policy import PasswordPolicy
from tessera_idp.protocol.password_rules import Weakness, normalized, words_of, wrong_length
from tessera_shared.argon2id import Argon2id

POLICY = PasswordPolicy(15, ("Tessera", "https://id.example"))


@given(st.text(max_size=14))
def test_whatever_is_shorter_than_the_minimum_is_too_short(password):
    assert wrong_length(password, 30) is Weakness.TOO_SHORT or len(normalized(password)) >= 30


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=15, max_size=64))
def test_no_kind_of_character_is_asked_for(password):
    assert wrong_length(password, 15) is None or len(normalized(password)) != len(password)


def test_64_characters_and_more_are_accepted():
    assert wrong_length("ä" * 64, 15) is None
    assert wrong_length("ä" * 256, 15) is None
    assert wrong_length("ä" * 257, 15) is Weakness.TOO_LONG


def test_each_code_point_counts_once_however_it_was_typed():
    composed, decomposed = "\u00fc" * 14, "u\u0308" * 14
    assert wrong_length(composed, 15) is wrong_length(decomposed, 15) is Weakness.TOO_SHORT


@pytest.mark.parametrize(
    ("password", "weakness"),
    [
        ("correct horse battery staple", None),
        ("ein langer Satz mit Hund", None),
        ("кот идёт по крыше ночью", None),
        ("short", Weakness.TOO_SHORT),
        ("aaaaaaaaaaaaaaaaaa", Weakness.PATTERN),
        ("123456789012345678", Weakness.PATTERN),
        ("abcdefghijklmnopqr", Weakness.PATTERN),
        ("passwordpassword1", Weakness.PATTERN),
        ("password12345678", Weakness.COMMON),
        ("alice.liddell.alice", Weakness.PERSONAL),
        ("tesseratessera1", Weakness.PERSONAL),
        ("alice@wonderland.example", Weakness.PERSONAL),
    ],
)
async def test_what_is_easily_guessed_is_refused_and_why(password, weakness):
    found = await POLICY.weakness(password, "alice", "alice@wonderland.example", "Alice Liddell")
    assert found is weakness


async def test_a_very_long_password_is_judged_by_its_beginning_and_soon():
    assert await POLICY.weakness("x" * 256) is Weakness.PATTERN
    assert await POLICY.weakness("correct horse battery staple" * 9) is None


async def test_a_password_is_the_same_in_every_normal_form():
    passwords = Argon2id(workers=1, queue=1)
    try:
        assert await passwords.verify(
            await passwords.hash("gr\u00fc\u00dfe aus k\u00f6ln"), "gru\u0308\u00dfe aus ko\u0308ln"
        )
    finally:
        passwords.close()


def test_words_are_the_values_and_their_parts():
    assert words_of("Alice", "alice.liddell@wonderland.example", None) == (
        "alice",
        "alice.liddell@wonderland.example",
        "example",
        "liddell",
        "wonderland",
    )

"""Pairwise subject identifiers (OpenID Connect Core §8)."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_shared.jose.jwt import InvalidToken
from tessera_shared.pairwise import NoSector, Subjects, sector_of

SUBJECTS = Subjects(b"m" * 32)
SUB = "0b5ccf1d-4ff2-4a37-b6a4-7b8ee0f1a8f1"


def test_a_public_client_is_told_the_users_own_identifier():
    assert SUBJECTS.told(SUB, None) == SUB
    assert SUBJECTS.meant(SUB, None) == SUB


def test_the_same_user_is_called_the_same_in_one_sector_and_differently_in_each():
    told = [SUBJECTS.told(SUB, sector) for sector in ("a.example", "a.example", "b.example")]
    assert told[0] == told[1] != told[2]
    assert SUB not in told


def test_the_identifier_is_a_short_ascii_text_that_hides_the_users_own():
    told = SUBJECTS.told(SUB, "a.example")
    assert told.isascii()
    assert len(told) <= 255  # OIDC Core §2
    assert SUB.encode() not in base64.urlsafe_b64decode(told + "==")


def test_another_installation_calls_nobody_the_same():
    other = Subjects(b"n" * 32)
    told = SUBJECTS.told(SUB, "a.example")
    assert other.told(SUB, "a.example") != told
    with pytest.raises(InvalidToken):
        other.meant(told, "a.example")


@given(st.text(min_size=1, max_size=120), st.text(min_size=1, max_size=60))
def test_only_the_issuer_finds_the_user_again_and_only_in_that_sector(sub, sector):
    told = SUBJECTS.told(sub, sector)
    assert SUBJECTS.meant(told, sector) == sub
    with pytest.raises(InvalidToken):
        SUBJECTS.meant(told, sector + ".other")


@pytest.mark.parametrize(
    "told", ["", "é", "nobody", SUB, "A" * 70, SUBJECTS.told(SUB, "a.example") + "=", SUBJECTS.told(SUB, "b.example")]
)
def test_what_nobody_was_ever_called_is_no_subject(told):
    with pytest.raises(InvalidToken) as caught:
        SUBJECTS.meant(told, "a.example")
    assert caught.value.check == "sub"


def test_another_spelling_of_the_same_octets_is_no_subject():
    told = SUBJECTS.told("a", "a.example")  # 17 octets: the last character has bits that say nothing
    other = told[:-1] + chr(ord(told[-1]) + 1)
    assert base64.urlsafe_b64decode(told + "=") == base64.urlsafe_b64decode(other + "=")
    with pytest.raises(InvalidToken):
        SUBJECTS.meant(other, "a.example")


@pytest.mark.parametrize(
    ("uri", "redirect_uris", "sector"),
    [
        (None, ["https://a.example/cb"], "a.example"),
        (None, ["https://A.example:8443/cb", "https://a.example/other?x=1"], "a.example"),
        ("https://sector.example/uris.json", ["https://a.example/cb", "https://b.example/cb"], "sector.example"),
        (None, ["http://[::1]:9000/cb"], "::1"),
    ],
)
def test_the_sector_is_the_host_of_the_redirect_uris_or_of_the_sector_identifier_uri(uri, redirect_uris, sector):
    assert sector_of("pairwise", uri, redirect_uris) == sector
    assert sector_of("public", uri, redirect_uris) is None


@pytest.mark.parametrize(
    "redirect_uris",
    [[], ["https://a.example/cb", "https://b.example/cb"], ["com.example.app:/cb"]],
)
def test_without_one_host_there_is_no_sector(redirect_uris):
    with pytest.raises(NoSector):
        sector_of("pairwise", None, redirect_uris)

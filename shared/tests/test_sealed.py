"""Sealed values: only the same key and context open them, and any change is noticed."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_shared.errors import StartupError
from tessera_shared.rotating_key import load_master_key
from tessera_shared.sealed import SealBroken, derive_key, seal, unseal

KEY = bytes(range(32))


@given(st.binary(max_size=4096), st.binary(max_size=64))
def test_what_was_sealed_is_unsealed(plaintext, context):
    assert unseal(KEY, seal(KEY, plaintext, context), context) == plaintext


@given(st.data())
def test_any_changed_byte_is_noticed(data):
    sealed = bytearray(seal(KEY, b"a private key", b"kid"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        unseal(KEY, bytes(sealed), b"kid")


@given(st.binary(max_size=40))
def test_what_was_never_sealed_is_refused(value):
    with pytest.raises(SealBroken):
        unseal(KEY, value, b"kid")


def test_a_value_cannot_be_moved_to_another_context():
    with pytest.raises(SealBroken):
        unseal(KEY, seal(KEY, b"private", b"one kid"), b"another kid")


def test_another_key_does_not_open_it():
    with pytest.raises(SealBroken):
        unseal(os.urandom(32), seal(KEY, b"private", b"kid"), b"kid")


def test_the_same_plaintext_is_sealed_differently_each_time():
    assert len({seal(KEY, b"same", b"") for _ in range(100)}) == 100


def test_derived_keys_differ_by_purpose_and_secret():
    keys = {derive_key(secret, purpose) for secret in (b"one", b"two") for purpose in (b"a", b"b")}
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)
    assert derive_key(b"one", b"a") == derive_key(b"one", b"a")


@pytest.mark.parametrize("padding", ["", "="])
def test_master_key_is_read_with_and_without_padding(tmp_path, padding):
    path = tmp_path / "master_key"
    path.write_text(base64.urlsafe_b64encode(KEY).rstrip(b"=").decode() + padding + "\n")
    assert load_master_key(path).current == KEY


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (base64.urlsafe_b64encode(KEY[:31]).decode(), "holds 31 bytes, 32 needed"),
        (base64.urlsafe_b64encode(KEY + b"x").decode(), "holds 33 bytes, 32 needed"),
        ("not base64!", "is not base64url"),
        ("schlüssel", "is not base64url"),
        ("", "is empty"),
    ],
)
def test_a_bad_master_key_is_refused_and_never_shown(tmp_path, content, problem):
    path = tmp_path / "master_key"
    path.write_text(content)
    with pytest.raises(StartupError) as refused:
        load_master_key(path)
    assert problem in str(refused.value)
    assert str(path) in str(refused.value)
    assert not content or content not in str(refused.value)


def test_a_missing_master_key_is_refused(tmp_path):
    with pytest.raises(StartupError, match="cannot be read"):
        load_master_key(tmp_path / "nothing")

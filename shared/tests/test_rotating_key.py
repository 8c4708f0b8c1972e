"""A key that can be changed while services run: one is used, others are accepted."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_shared.errors import StartupError
from tessera_shared.rotating_key import RotatingKey, load_master_key
from tessera_shared.sealed import SealBroken, derive_key

OLD, NEW, OTHER = (bytes([number]) * 32 for number in range(3))


@given(st.binary(max_size=100), st.binary(max_size=20))
def test_what_an_accepted_key_sealed_is_opened_and_what_another_sealed_is_not(plaintext, context):
    before, after = RotatingKey(OLD), RotatingKey(NEW, (OLD,))
    assert after.unseal(before.seal(plaintext, context), context) == plaintext
    assert after.opener(before.seal(plaintext, context), context) == OLD
    assert after.opener(after.seal(plaintext, context), context) == NEW
    with pytest.raises(SealBroken):
        after.unseal(RotatingKey(OTHER).seal(plaintext, context), context)
    with pytest.raises(SealBroken):
        before.unseal(after.seal(plaintext, context), context)


def test_a_value_that_was_moved_is_opened_by_no_key():
    key = RotatingKey(NEW, (OLD,))
    with pytest.raises(SealBroken):
        key.unseal(key.seal(b"private", b"one kid"), b"another kid")


def test_keys_for_a_purpose_come_of_each_key():
    derived = RotatingKey(NEW, (OLD,)).derive(b"purpose")
    assert derived.every == (derive_key(NEW, b"purpose"), derive_key(OLD, b"purpose"))


def test_keys_are_never_shown():
    assert "\\x" not in repr(RotatingKey(NEW, (OLD,)))


def test_the_further_keys_are_read_from_their_files(tmp_path):
    paths = []
    for name, key in (("master_key", NEW), ("earlier", OLD)):
        paths.append(tmp_path / name)
        paths[-1].write_text(base64.urlsafe_b64encode(key).decode())
    assert load_master_key(paths[0], paths[1:]) == RotatingKey(NEW, (OLD,))
    paths[1].write_text(base64.urlsafe_b64encode(os.urandom(31)).decode())
    with pytest.raises(StartupError, match=f"further master key: {paths[1]} holds 31 bytes"):
        load_master_key(paths[0], paths[1:])

"""JSON bodies: one object, each member once, nothing that parsers or the database read differently."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera_shared.errors import OAuthError
from tessera_shared.http.json_body import parse_object


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"5",
        b"{",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\x00"}',
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a": ' * 100_000,
        b'{"a": ' + b"1" * 5000 + b"}",
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_what_is_no_plain_json_object_is_refused(raw):
    with pytest.raises(OAuthError) as caught:
        parse_object(raw, "invalid_client_metadata")
    assert (caught.value.error, caught.value.status) == ("invalid_client_metadata", 400)


@settings(max_examples=300)
@given(st.dictionaries(st.text(max_size=8), st.text(max_size=12) | st.integers(-(10**9), 10**9) | st.booleans()))
def test_every_plain_object_is_read_as_it_is(value):
    raw = json.dumps(value).encode()
    if b"\\u0000" not in raw and b"\\ud" not in raw:
        assert parse_object(raw, "x") == value

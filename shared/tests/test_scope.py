"""Scope values (RFC 6749 §3.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_shared.errors import OAuthError
from tessera_shared.scope import format_scope, is_within, parse

TOKEN = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1)


@given(st.lists(TOKEN, unique=True))
def test_parsing_undoes_formatting(tokens):
    assert parse(format_scope(tuple(tokens))) == tuple(tokens)


@given(st.lists(TOKEN))
def test_each_token_is_kept_once_in_the_order_asked_for(tokens):
    assert parse(" ".join(tokens)) == tuple(dict.fromkeys(tokens))


@given(TOKEN, st.characters().filter(lambda c: not 0x20 <= ord(c) <= 0x7E or c in '"\\'))
def test_a_character_outside_the_grammar_is_invalid_scope(token, character):
    with pytest.raises(OAuthError) as refused:
        parse(token + character)
    assert refused.value.error == "invalid_scope"


@pytest.mark.parametrize("value", ["", " ", "   "])
def test_an_empty_value_is_no_scope(value):
    assert parse(value) == ()


def test_tokens_are_case_sensitive():
    assert not is_within(("OpenID",), ("openid",))


@given(st.lists(TOKEN), st.lists(TOKEN))
def test_within_means_every_token_is_allowed(scope, limit):
    assert is_within(tuple(scope), (*scope, *limit))
    assert is_within((), tuple(limit))
    assert not is_within((*limit, "~more~" * 50), tuple(limit))

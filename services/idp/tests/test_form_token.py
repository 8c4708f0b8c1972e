"""Whether a form was shown to this browser, and whether another site sent it."""

import pytest

from tessera_idp.protocol.form_token import form_token, is_foreign, is_form_token

KEY = b"k" * 32


def test_token_belongs_to_one_key_browser_and_form():
    token = form_token(KEY, "browser", "login", "ask")
    assert is_form_token(token, KEY, "browser", "login", "ask")
    assert not is_form_token(token, b"x" * 32, "browser", "login", "ask")
    assert not is_form_token(token, KEY, "another", "login", "ask")
    assert not is_form_token(token, KEY, "browser", "consent", "ask")
    assert not is_form_token(token, KEY, "browser", "login", "another")


def test_parts_cannot_be_shifted_into_each_other():
    assert form_token(KEY, "ab", "c") != form_token(KEY, "a", "bc")
    assert form_token(KEY, "a", "b", "c") != form_token(KEY, "a", "bc")


@pytest.mark.parametrize("sent", [None, "", "é", "x"])
def test_missing_or_malformed_token_is_none(sent):
    assert not is_form_token(sent, KEY, "browser", "login")


def test_without_the_browsers_cookie_no_token_is_right():
    assert not is_form_token(form_token(KEY, "", "login"), KEY, "", "login")
    assert not is_form_token(form_token(KEY, "x", "login"), KEY, None, "login")


@pytest.mark.parametrize(
    ("site", "origin", "foreign"),
    [
        ("same-origin", "https://idp.example", False),
        ("same-origin", "null", False),
        ("none", None, False),
        ("same-site", "https://idp.example", True),
        ("cross-site", "https://idp.example", True),
        (None, None, False),
        (None, "null", False),
        (None, "https://idp.example", False),
        (None, "https://idp.example.attacker.example", True),
        (None, "http://idp.example", True),
    ],
)
def test_what_the_browser_says_of_the_sender(site, origin, foreign):
    assert is_foreign(site, origin, "https://idp.example") is foreign

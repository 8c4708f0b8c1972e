"""Parameters are added to registered URIs without changing them."""

import pytest

from tessera_shared.uri import origin, with_parameters


def test_the_registered_query_is_kept():
    assert with_parameters("https://a.example/cb?x=1", [("code", "a b")]) == "https://a.example/cb?x=1&code=a+b"
    assert with_parameters("https://a.example/cb", [("code", "c")]) == "https://a.example/cb?code=c"
    assert with_parameters("com.example:/cb", [("code", "c")]) == "com.example:/cb?code=c"


def test_the_origin_of_a_private_use_scheme_is_the_scheme():
    assert origin("https://a.example:8443/cb?x") == "https://a.example:8443"
    assert origin("com.example.app:/cb") == "com.example.app:"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("myapp:///cb", "myapp:///cb?code=1"),
        ("com.example.app:/cb", "com.example.app:/cb?code=1"),
        ("https://app.example", "https://app.example?code=1"),
        ("https://app.example/cb?", "https://app.example/cb?code=1"),
        ("https://app.example/cb?a=", "https://app.example/cb?a=&code=1"),
        ("https://app.example/cb?a=b&", "https://app.example/cb?a=b&code=1"),
    ],
)
def test_an_answer_keeps_the_registered_uri_character_by_character(uri, expected):
    assert with_parameters(uri, [("code", "1")]) == expected

"""Redirect URI comparison: exact, but for a loopback port."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_authz.protocol.redirect_uri import is_registered

REGISTERED = (
    "https://app.example/cb",
    "https://app.example/cb?tenant=1",
    "http://127.0.0.1/native",
    "http://[::1]:7000/",
)


@pytest.mark.parametrize("uri", REGISTERED)
def test_a_registered_uri_is_accepted(uri):
    assert is_registered(uri, REGISTERED)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb/",
        "https://app.example/CB",
        "https://APP.example/cb",
        "https://app.example:443/cb",
        "https://app.example/cb?tenant=2",
        "https://app.example/cb?tenant=1&x=1",
        "https://app.example/cb#fragment",
        "https://user@app.example/cb",
        "https://app.example@evil.example/cb",
        "https://app.example/cb/..;/admin",
        "https://app.example/x/../cb",
        "https://app.example%2f@evil.example/cb",
        "http://app.example/cb",
        "https://app.example./cb",
        "",
    ],
)
def test_any_difference_is_refused(uri):
    assert not is_registered(uri, REGISTERED)


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:51004/native", "http://127.0.0.1:1/native", "http://[::1]:7001/", "http://[::1]/"]
)
def test_a_loopback_address_matches_on_any_port(uri):
    assert is_registered(uri, REGISTERED)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1:/native",
        "http://127.0.0.1:80a/native",
        "http://127.0.0.1.evil.example/native",
        "http://127.0.0.1:1@evil.example/native",
        "http://127.0.0.1@evil.example/native",
        "http://127.0.0.1evil.example/native",
        "http://localhost:51004/native",
        "https://127.0.0.1/native",
        "http://127.0.0.2/native",
        "http://127.1/native",
    ],
)
def test_nothing_else_than_the_port_may_differ(uri):
    assert not is_registered(uri, REGISTERED)


@given(st.text(alphabet="abc127.0@:/?#[]%;\\ evil", max_size=40))
def test_no_suffix_of_a_loopback_host_is_accepted_but_a_port(suffix):
    uri = f"http://127.0.0.1{suffix}"
    accepted = is_registered(uri, ("http://127.0.0.1/native",))
    port = suffix.removeprefix(":").removesuffix("/native")
    expected = suffix == "/native" or (suffix == f":{port}/native" and port.isdigit())
    assert accepted == expected


@given(st.text(max_size=60))
def test_no_other_text_is_the_registered_uri(text):
    assert is_registered(text, ("https://app.example/cb",)) == (text == "https://app.example/cb")


@pytest.mark.parametrize(
    "requested",
    [
        "http://127.0.0.1.evil.example/steal",
        "http://127.0.0.1@evil.example/",
        "http://127.0.0.1:80a/",
        "http://127.0.0.1.dev.example/other",
    ],
)
def test_a_name_that_only_begins_like_a_loopback_address_has_no_port_to_ignore(requested):
    assert not is_registered(requested, ["http://127.0.0.1.dev.example/cb"])

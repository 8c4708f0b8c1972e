"""The address of a request: X-Forwarded-For is believed from trusted proxies only, and only what they wrote."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_shared.http.headers import client_address, parse_networks

TRUSTED = parse_networks(["10.0.0.0/8", "192.168.1.0/24", "fd00::/8"])
PROXY, CLIENT = "10.0.0.1", "203.0.113.7"


def scope(peer, *forwarded):
    headers = [(b"x-forwarded-for", value.encode("latin-1", "replace")) for value in forwarded]
    return {"client": (peer, 1234) if peer else None, "headers": [(b"accept", b"*/*"), *headers]}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        (CLIENT, [], CLIENT),
        (PROXY, [], PROXY),
        (PROXY, [CLIENT], CLIENT),
        (PROXY, [f"  {CLIENT} "], CLIENT),
        (PROXY, [f"{CLIENT}, 10.0.0.2"], CLIENT),
        (PROXY, [CLIENT, "10.0.0.2, 192.168.1.5"], CLIENT),
        (PROXY, ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1", [CLIENT], CLIENT),
        (PROXY, ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
    ],
)
def test_behind_proxies_it_is_the_last_address_that_none_of_them_has(peer, forwarded, address):
    assert client_address(scope(peer, *forwarded), TRUSTED) == address


@pytest.mark.parametrize("forged", ["127.0.0.1", "10.0.0.9", "198.51.100.1, 10.0.0.9"])
def test_a_client_that_is_no_proxy_cannot_choose_its_address(forged):
    assert client_address(scope(CLIENT, forged), TRUSTED) == CLIENT


@pytest.mark.parametrize("forged", ["127.0.0.1", "10.0.0.9", "198.51.100.1", "x, y", "", ",,,"])
def test_what_a_client_sends_before_the_proxys_own_entry_does_not_count(forged):
    assert client_address(scope(PROXY, f"{forged}, {CLIENT}"), TRUSTED) == CLIENT
    assert client_address(scope(PROXY, forged, CLIENT), TRUSTED) == CLIENT


def test_without_trusted_proxies_the_header_means_nothing():
    assert client_address(scope(CLIENT, "127.0.0.1"), ()) == CLIENT


def test_a_connection_without_address_has_none():
    assert client_address(scope(None, CLIENT), TRUSTED) == ""


def test_a_proxy_that_listens_on_both_families_is_known_by_its_ipv4_address():
    assert client_address(scope("::ffff:10.0.0.1", CLIENT), TRUSTED) == CLIENT


@given(st.lists(st.text(max_size=20) | st.ip_addresses().map(str), max_size=4))
def test_whatever_is_forwarded_the_answer_is_an_address(forwarded):
    assert ipaddress.ip_address(client_address(scope(PROXY, *forwarded), TRUSTED))


@pytest.mark.parametrize("garbage", ["unknown", "203.0.113.7:443", "_hidden", "[2001:db8::1]", ""])
def test_what_stands_before_an_entry_that_is_no_address_does_not_count(garbage):
    assert client_address(scope(PROXY, f"198.51.100.1, {garbage}, 10.0.0.2"), TRUSTED) == PROXY


@pytest.mark.parametrize("value", ["everybody", "10.0.0.1/8", "10.0.0.0/33", ""])
def test_what_is_no_network_is_refused(value):
    with pytest.raises(ValueError, match=r".+"):
        parse_networks([value])

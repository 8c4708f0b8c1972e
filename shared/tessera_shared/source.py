"""Whom a limit is about, where nothing but an address is known."""

import ipaddress

_IPV6_SITE = 64
"""One subscriber has at least a network of this prefix (RFC 6177 §2): one address of it is as good as another."""


def source_of(address: str) -> str:
    """An IPv4 address, or the network of an IPv6 address that one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.ip_network((parsed, _IPV6_SITE), strict=False))

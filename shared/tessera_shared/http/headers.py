"""Response headers that must not be forgotten, and the address a request came from."""

import ipaddress
from collections.abc import Collection, Iterable, Sequence

from starlette.types import Scope

NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
"""For every answer that holds a token, a code or a person's data (RFC 6749 §5.1)."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def page_headers(
    form_action: Iterable[str] = (), *, image_sources: Iterable[str] = (), frame_sources: Collection[str] = ()
) -> dict[str, str]:
    """The headers of an HTML page: no framing, no foreign content, no referrer, not stored.

    Args:
        form_action: Origins a form may lead to beside the page's own; browsers also check redirects against it.
        image_sources: Origins of images beside the page's own.
        frame_sources: Origins of what frames on the page may load; none without it.

    """
    frames = [" ".join(("frame-src", *frame_sources))] if frame_sources else []
    policy = "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            " ".join(("img-src 'self'", *image_sources)),
            "font-src 'self'",
            "connect-src 'self'",
            *frames,
            "base-uri 'none'",
            "frame-ancestors 'none'",
            " ".join(("form-action 'self'", *form_action)),
        )
    )
    return {
        **NO_STORE,
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
    }


def parse_networks(values: Sequence[str]) -> tuple[Network, ...]:
    """Read CIDR networks.

    Raises:
        ValueError: One of them is none.

    """
    return tuple(ipaddress.ip_network(value) for value in values)


def client_address(scope: Scope, trusted: Sequence[Network]) -> str:
    """The address a request came from: the last one in X-Forwarded-For that no trusted proxy has for itself.

    Where all are addresses of trusted networks, the client is in one of them too: then it is the farthest.
    On a TLS port the client speaks to this server itself, whatever passes the bytes on: its header means nothing.
    """
    peer = _peer(scope)
    if not trusted or is_on_tls_port(scope) or not is_peer_in(scope, trusted):
        return peer
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    hops = [hop for value in forwarded for hop in value.decode("latin-1").split(",")]
    for hop in reversed(hops):
        address = _parse_address(hop.strip())
        if address is None:  # no proxy of ours writes that, so what stands before it means nothing
            return peer
        if not _is_in(address, trusted):
            return str(address)
    return peer if not hops else str(_parse_address(hops[0].strip()))


def is_on_tls_port(scope: Scope) -> bool:
    """Whether the request came over a TLS port of this server itself, as the ASGI TLS extension tells."""
    return "tls" in scope.get("extensions", {})


def is_peer_in(scope: Scope, networks: Sequence[Network]) -> bool:
    """Whether the connection comes from one of these networks."""
    return is_address_in(_peer(scope), networks)


def is_address_in(text: str, networks: Sequence[Network]) -> bool:
    """Whether it is an address of one of these networks."""
    address = _parse_address(text)
    return address is not None and _is_in(address, networks)


def _peer(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])


def _parse_address(text: str) -> Address | None:
    """An IPv4 or IPv6 address; IPv4 as a socket for both families tells it (RFC 4291 §2.5.5.2) becomes IPv4 again."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)

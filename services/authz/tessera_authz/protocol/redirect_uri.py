"""Redirect URI comparison: exact, but for the port of a loopback address (OAuth 2.1 §2.3.1, RFC 8252 §7.3)."""

from collections.abc import Iterable

_LOOPBACK = ("127.0.0.1", "[::1]")


def is_registered(requested: str, registered: Iterable[str]) -> bool:
    """Whether a requested redirect URI is one of the registered ones."""
    return any(requested == uri or _differs_in_loopback_port_only(requested, uri) for uri in registered)


def _differs_in_loopback_port_only(requested: str, registered: str) -> bool:
    """RFC 8252 §7.3: a native client's loopback listener gets its port at run time; all else must be the same."""
    for host in _LOOPBACK:
        prefix = f"http://{host}"
        if requested.startswith(prefix) and registered.startswith(prefix):
            rest = _without_port(requested.removeprefix(prefix))
            # None on both sides is no match: those are other hosts, whose names only begin like the address
            return rest is not None and rest == _without_port(registered.removeprefix(prefix))
    return False


def _without_port(rest: str) -> str | None:
    """What follows the host, its port cut off; None where something else than a port follows the host."""
    if not rest.startswith(":"):
        return rest if rest == "" or rest[0] in "/?" else None
    digits = len(rest[1:]) - len(rest[1:].lstrip("0123456789"))
    after = rest[1 + digits :]
    return after if digits and (after == "" or after[0] in "/?") else None

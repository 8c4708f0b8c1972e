"""URIs in client metadata (RFC 7591 §2): which of them may be registered. Each rule answers what is wrong, or None.

Only the plain spelling of a URI is taken: what a browser would read in another way than a comparison of characters
does (user-info, backslashes, dot segments, numbers as hosts) is refused.
"""

import ipaddress
import re

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
MAX_URI = 1024

_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%[01][0-9A-Fa-f]|%7[Ff]")
_WEB = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?].*)?"
)
_PRIVATE_USE = re.compile(r"(?P<scheme>[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+):(?P<rest>/.*)")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_MAX_HOST = 253
_MAX_PORT = 65535


def redirect_problem(uri: str, application_type: str) -> str | None:
    """What is wrong with a redirect URI (OAuth 2.1 §2.3, RFC 8252 §7 and §8.4)."""
    if problem := _spelling_problem(uri):
        return problem
    if uri.startswith(("https:", "http:")):
        return web_problem(uri)
    if not _PRIVATE_USE.fullmatch(uri):
        return "must be https, http on a loopback host, or a private-use scheme with a dot in it"
    if application_type != "native":  # RFC 8252 §7.1
        return "may have a private-use scheme only where application_type is native"
    return _path_problem(uri.partition(":")[2])


def web_problem(uri: str) -> str | None:
    """What is wrong with the address of a page or picture: https, or http on a loopback host."""
    if problem := _spelling_problem(uri):
        return problem
    parts = _WEB.fullmatch(uri)
    if parts is None:
        return "must be an https URI without user-info"
    host = parts["host"]
    if parts["scheme"] == "http" and host not in LOOPBACK:  # RFC 8252 §7.3
        return "must be https unless its host is localhost, 127.0.0.1 or [::1]"
    return _host_problem(host) or _port_problem(parts["port"]) or _path_problem(parts["rest"] or "")


def secure_problem(uri: str) -> str | None:
    """What is wrong with an address that must be https in any case (OpenID Connect Registration §2)."""
    return web_problem(uri) if uri.startswith("https://") else "must be an https URI"


def host_of(uri: str) -> str:
    """Host and port of a URI that `web_problem` found nothing wrong with."""
    parts = _WEB.fullmatch(uri)
    if parts is None:
        return ""
    return parts["host"] if parts["port"] is None else f"{parts['host']}:{parts['port']}"


def origin_of(uri: str) -> str:
    """Scheme, host and port of a URI that `web_problem` found nothing wrong with; the URI itself, if it is no such."""
    parts = _WEB.fullmatch(uri)
    if parts is None:
        return uri
    port = parts["port"] or {"https": "443", "http": "80"}[parts["scheme"]]
    return f"{parts['scheme']}://{parts['host'].lower()}:{port}"


def _spelling_problem(uri: str) -> str | None:
    if not uri or len(uri) > MAX_URI:
        return f"must have 1 to {MAX_URI} characters"
    if "#" in uri:  # OAuth 2.1 §2.3
        return "must not have a fragment"
    if not _CHARACTERS.fullmatch(uri) or _STRAY_PERCENT.search(uri):  # RFC 3986 §2
        return "holds a character that no URI may have"
    return None


def _host_problem(host: str) -> str | None:
    try:
        if host.startswith("["):
            ipaddress.IPv6Address(host[1:-1])
            return None
        last = host.rpartition(".")[2]
        if _NUMBER.fullmatch(last):  # browsers read such a host as an IPv4 address, in many spellings
            ipaddress.IPv4Address(host)
            return None
    except ValueError:
        return "has a host that is no plain IP address"
    if len(host) > _MAX_HOST or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        return "has a host that is no DNS name"
    return None


def _port_problem(port: str | None) -> str | None:
    return None if port is None or 0 < int(port) <= _MAX_PORT else "has a port that is none"


def _path_problem(rest: str) -> str | None:
    """Dot segments: a browser removes them, a comparison does not; some servers read `..;` as one (RFC 3986 §5.2.4)."""
    path = re.sub("%2[eE]", ".", rest.partition("?")[0])
    segments = re.split(r"/|%2[fF]|%5[cC]", path)
    return "must not have dot segments" if any(s.partition(";")[0] in (".", "..") for s in segments) else None

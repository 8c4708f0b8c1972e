"""HTTP URLs compared as URLs: by their normal form (RFC 3986 §6.2.2, §6.2.3), without query and fragment."""

import re

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=-]+)(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<path>/[^?#]*)?(?:[?#].*)?",
    re.IGNORECASE | re.ASCII,
)
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]", re.ASCII)
_DEFAULT_PORTS = {"https": "443", "http": "80"}
_MAX = 4096


def normalize(url: str) -> str | None:
    """The normal form; None for what is no http(s) URL, or holds user information."""
    parts = _URL.fullmatch(url) if len(url) <= _MAX else None
    path = (parts["path"] or "/") if parts else ""
    if parts is None or not _PATH.fullmatch(path):
        return None
    scheme, host, port = parts["scheme"].lower(), parts["host"].lower(), (parts["port"] or "").lstrip("0")
    shown = "" if port in ("", _DEFAULT_PORTS[scheme]) else f":{port}"
    return f"{scheme}://{host}{shown}{_without_dots(_ENCODED.sub(_normalize_encoded, path))}"


def _normalize_encoded(found: re.Match[str]) -> str:
    """RFC 3986 §6.2.2.1, §6.2.2.2: unreserved characters are not encoded, the others in upper case."""
    character = chr(int(found[0][1:], 16))
    return character if _UNRESERVED.fullmatch(character) else found[0].upper()


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for number, segment in enumerate(segments):
        is_last = number == len(segments) - 1
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
        if segment in (".", "..") and is_last:
            kept.append("")
    return "/" + "/".join(kept)

"""URIs that clients registered: parameters added to them, and their origin for a Content-Security-Policy."""

from collections.abc import Iterable
from urllib.parse import urlencode, urlsplit


def with_parameters(uri: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The URI with parameters added to its query, which it keeps (RFC 6749 §3.1.2); it has no fragment.

    The text is added to, not parsed and written anew: that would change URIs such as `myapp:///callback`.
    """
    joint = "?" if "?" not in uri else "" if uri[-1] in "?&" else "&"
    return f"{uri}{joint}{urlencode(list(parameters))}"


def origin(uri: str) -> str:
    """Scheme, host and port of a web address; of a private-use scheme, the scheme alone."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"

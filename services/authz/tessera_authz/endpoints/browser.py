"""The cookie that binds an authorization request to the browser that started it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

_NAME = "tessera_browser_"
_MOST = 20
"""How many cookies of this kind are looked at."""


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """A random value; the server stores its SHA-256 with each request of that browser.

    A request without such a cookie gets one with a name of its own: of two that start at once, or of one that another
    site posts, which comes without this site's cookies, neither may take the other's away.
    """

    secure: bool
    """Whether browsers reach this service by TLS; then the cookie cannot be set by another host or without TLS."""
    lifetime: timedelta
    """How long a browser keeps it after the last request that it was used for."""

    def read(self, request: Request) -> Sequence[tuple[str, str]]:
        """The names and values of this browser's cookies."""
        found = [(name, value) for name, value in request.cookies.items() if name.startswith(self._prefix)]
        return found[:_MOST]

    def new(self) -> tuple[str, str]:
        """The name and value of another one."""
        return self._prefix + secrets.token_hex(4), secrets.token_urlsafe(32)

    def write(self, response: Response, cookie: tuple[str, str]) -> None:
        """Set it; Lax, since the identity provider's redirect back is a cross-site GET."""
        name, value = cookie
        max_age = int(self.lifetime.total_seconds())
        response.set_cookie(name, value, max_age, path="/", secure=self.secure, httponly=True, samesite="lax")

    @property
    def _prefix(self) -> str:
        """With `__Host-` where TLS allows it (RFC 6265bis §4.1.3.2)."""
        return f"__Host-{_NAME}" if self.secure else _NAME

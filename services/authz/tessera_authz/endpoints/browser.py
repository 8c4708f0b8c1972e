"""The cookie that binds an authorization request to the browser that started it."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """A random value; the server stores its SHA-256 with each request of that browser."""

    secure: bool
    """Whether browsers reach this service by TLS; then the cookie cannot be set by another host or without TLS."""

    @property
    def name(self) -> str:
        """With the `__Host-` prefix where TLS allows it (RFC 6265bis §4.1.3.2)."""
        return "__Host-tessera_browser" if self.secure else "tessera_browser"

    def read(self, request: Request) -> str | None:
        """The cookie's value."""
        return request.cookies.get(self.name)

    def write(self, response: Response, value: str) -> None:
        """Set it for the browser session; Lax, since the identity provider's redirect back is a cross-site GET."""
        response.set_cookie(self.name, value, path="/", secure=self.secure, httponly=True, samesite="lax")

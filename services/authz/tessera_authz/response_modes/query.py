"""query: the answer as parameters of the redirect URI's query (RFC 6749 §4.1.2)."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.pages import Pages
from tessera_shared.uri import with_parameters


def respond(_request: Request, _pages: Pages, redirect_uri: str, parameters: Sequence[tuple[str, str]]) -> Response:
    """Redirect with 302, as RFC 6749 shows; the browser then makes a GET."""
    headers = {**NO_STORE, "referrer-policy": "no-referrer"}
    return RedirectResponse(with_parameters(redirect_uri, parameters), 302, headers)

"""form_post: the answer as a form that the browser posts (OAuth 2.0 Form Post Response Mode §2)."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from tessera_shared.http.pages import Pages
from tessera_shared.uri import origin


def respond(request: Request, pages: Pages, redirect_uri: str, parameters: Sequence[tuple[str, str]]) -> Response:
    """A page whose form posts itself; without JavaScript it has a button."""
    return pages.page(
        request, "form_post.html", form_action=(origin(redirect_uri),), redirect_uri=redirect_uri, parameters=parameters
    )

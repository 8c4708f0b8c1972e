"""Errors of endpoints that a person looks at: a page instead of JSON."""

from starlette.requests import Request
from starlette.responses import Response

from tessera_shared import logging
from tessera_shared.errors import OAuthError, Unavailable
from tessera_shared.http.errors import note_refusal
from tessera_shared.http.openapi import Handler
from tessera_shared.http.pages import Pages
from tessera_shared.translatable import N_


def as_page(pages: Pages, handler: Handler) -> Handler:
    """The same handler, its refusals shown as pages; what broke is left to the exchange."""

    async def serve(request: Request) -> Response:
        try:
            return await handler(request)
        except OAuthError as error:
            note_refusal(request, error)
            title = N_("This request cannot be served")
            response = pages.error_page(request, title, error.description, error.error, error.status)
            response.headers.update(error.headers)
        except Unavailable as error:
            logging.get().error("unavailable", reason=str(error))
            message = N_("Something that this page needs does not answer right now. Try again in a moment.")
            response = pages.error_page(request, N_("Not available"), message, "temporarily_unavailable", 503)
            response.headers["retry-after"] = "1"
        return response

    return serve

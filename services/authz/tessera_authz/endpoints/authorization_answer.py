"""Answers of the authorization endpoint: to the client by its response mode, or to the user on a page."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_authz.protocol.authorization_request import ReplyAddress
from tessera_authz.response_modes import RESPONSE_MODES
from tessera_shared.errors import OAuthError
from tessera_shared.http.errors import log_refusal
from tessera_shared.http.pages import Pages

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class AuthorizationAnswer:
    """Writes answers; each carries `iss` (RFC 9207) and the state byte for byte."""

    issuer: str
    pages: Pages

    def code(self, reply: ReplyAddress, code: str) -> Response:
        """Tell the client its code (RFC 6749 §4.1.2)."""
        return self._respond(reply, [("code", code)])

    def error(self, reply: ReplyAddress, error: OAuthError) -> Response:
        """Tell the client an error (RFC 6749 §4.1.2.1)."""
        log_refusal(error)
        return self._respond(reply, [("error", error.error), ("error_description", error.description)])

    def on_page(self, handler: Handler) -> Handler:
        """Show errors that may not be redirected on a page for the user."""

        async def serve(request: Request) -> Response:
            try:
                return await handler(request)
            except OAuthError as error:
                log_refusal(error)
                return self.pages.error_page(
                    "This request cannot be answered",
                    error.description,
                    error.error,
                    request.state.request_id,
                    error.status,
                )

        return serve

    def _respond(self, reply: ReplyAddress, parameters: list[tuple[str, str]]) -> Response:
        state = [] if reply.state is None else [("state", reply.state)]
        respond = RESPONSE_MODES[reply.response_mode]
        return respond(self.pages, reply.redirect_uri, [*parameters, *state, ("iss", self.issuer)])

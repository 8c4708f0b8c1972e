"""Answers of the authorization endpoint: to the client by its response mode, or to the user on a page."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from tessera_authz.protocol.authorization_request import ReplyAddress
from tessera_authz.protocol.client import Client
from tessera_authz.response_modes import RESPONSE_MODES
from tessera_authz.tokens.signer import Signer
from tessera_shared import clock
from tessera_shared.clock import seconds
from tessera_shared.errors import OAuthError
from tessera_shared.http.errors import note_refusal
from tessera_shared.http.pages import Pages

_SIGNED_ANSWER_LIFETIME = timedelta(minutes=5)
"""JARM §2.1 recommends ten minutes at most."""


@dataclass(frozen=True, slots=True)
class AuthorizationAnswer:
    """Writes answers; each carries `iss` (RFC 9207) and the state byte for byte."""

    issuer: str
    pages: Pages
    signer: Signer

    def code(self, request: Request, client: Client, reply: ReplyAddress, code: str) -> Response:
        """Tell the client its code (RFC 6749 §4.1.2)."""
        return self._respond(request, client, reply, [("code", code)])

    def error(self, request: Request, client: Client, reply: ReplyAddress, error: OAuthError) -> Response:
        """Tell the client an error (RFC 6749 §4.1.2.1)."""
        note_refusal(request, error)
        return self._respond(request, client, reply, [("error", error.error), ("error_description", error.description)])

    def _respond(
        self, request: Request, client: Client, reply: ReplyAddress, parameters: list[tuple[str, str]]
    ) -> Response:
        state = [] if reply.state is None else [("state", reply.state)]
        mode = RESPONSE_MODES[reply.response_mode]
        told = [*parameters, *state, ("iss", self.issuer)]
        if mode.is_signed:
            told = [("response", self._sign(client, told))]
        return mode.respond(request, self.pages, reply.redirect_uri, told)

    def _sign(self, client: Client, parameters: list[tuple[str, str]]) -> str:
        """JARM §2.1: the answer's parameters as claims, with iss, aud and a short exp."""
        now = clock.now()
        claims = {**dict(parameters), "aud": client.client_id, "exp": seconds(now + _SIGNED_ANSWER_LIFETIME)}
        return self.signer.sign(claims, typ="JWT", alg=client.authorization_signed_response_alg, now=now)

"""Rotation of a client secret: a new one works at once, the old ones until their grace period ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from tessera_authz.client_auth import ClientAuthenticator
from tessera_authz.client_registry import ClientRegistry, unknown_token
from tessera_authz.endpoints.actor import actor
from tessera_authz.endpoints.client_information import told_end
from tessera_authz.store import registration
from tessera_authz.tokens import opaque
from tessera_shared import clock, logging
from tessera_shared.db import Database
from tessera_shared.errors import OAuthError
from tessera_shared.http import bearer
from tessera_shared.http import form as forms
from tessera_shared.http.form import Form
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.openapi import Endpoint, OAuthErrorBody, Operation, Parameter, Reply

PATH = "/oauth2/v1/clients/{client_id:path}/rotate-secret"
_MAX_DIGITS = 9


class RotatedSecret(TypedDict):
    """The new secret, under the names of RFC 7591 §3.2.1; ends are seconds since the epoch, 0 for none."""

    client_id: str
    client_secret: str
    client_secret_expires_at: int
    previous_client_secret_expires_at: int


@dataclass(frozen=True, slots=True)
class RotationEndpoint:
    """Serves rotations, asked for by the client itself: by its method, or with its registration access token."""

    authenticator: ClientAuthenticator
    database: Database
    registry: ClientRegistry
    grace: timedelta

    async def rotate(self, request: Request) -> Response:
        """Answer a rotation request."""
        # 1. parse the form; it may be empty
        form = await _form(request)
        grace = _grace(form, self.grace)
        # 2. who asks: the client itself, and no other
        client_id = str(request.path_params["client_id"])
        await self._check_client(request, form, client_id, clock.now())
        # 3. make the new secret, and let the old ones end
        made = await self.registry.rotate_secret(client_id, grace, actor(request, f"client:{client_id}"))
        # 4. answer
        logging.get().info("client secret rotated", client_id=client_id)
        content: dict[str, Any] = {
            "client_id": client_id,
            "client_secret": made.secret,
            "client_secret_expires_at": told_end(made.expires_at),
            "previous_client_secret_expires_at": told_end(made.previous_expires_at),
        }
        return JSONResponse(content, headers=NO_STORE)

    async def _check_client(self, request: Request, form: Form, client_id: str, now: datetime) -> None:
        if any(value[:7].lower() == "bearer " for value in request.headers.getlist("authorization")):
            token = bearer.from_header(request) or ""
            if await registration.find_by_token(self.database, client_id, opaque.digest(token)) is None:
                raise unknown_token("the client's registration access token")
            return
        client = await self.authenticator.authenticate_with_current_secret(request, form, now)
        if client.client_id != client_id:
            raise OAuthError(
                "access_denied",
                "A client may rotate its own secret only.",
                status=403,
                expected=f"client {client.client_id}",
                received=f"client {client_id[:100]}",
            )

    def endpoint(self) -> Endpoint:
        """Its declaration."""
        operation = Operation(
            "POST",
            "Rotate the client's secret",
            self.rotate,
            parameters=(
                Parameter("client_id", "The client", required=True, where="path"),
                Parameter("grace_seconds", "How long the old secret goes on working, where that is to be shorter"),
                Parameter("client_secret", "client_secret_post: the secret, with client_id"),
            ),
            replies=(
                Reply(200, "The new secret, shown this once", RotatedSecret),
                Reply(400, "invalid_request; unauthorized_client for a client without secrets", OAuthErrorBody),
                Reply(401, "invalid_client, invalid_token", OAuthErrorBody, headers=("WWW-Authenticate",)),
                Reply(403, "Another client", OAuthErrorBody),
                Reply(429, "Too many secrets are valid", OAuthErrorBody, headers=("Retry-After",)),
            ),
            security=("client_basic", "client_post", "bearer"),
        )
        return Endpoint(PATH, (operation,))


async def _form(request: Request) -> Form:
    """The form; a request without a body has none."""
    if "content-type" not in request.headers and request.headers.get("content-length", "0") == "0":
        return forms.parse(b"")
    form = await forms.body(request)
    form.refuse_repeated()
    return form


def _grace(form: Form, longest: timedelta) -> timedelta:
    value = form.get("grace_seconds")
    if value is None:
        return longest
    if not (value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS):
        raise OAuthError("invalid_request", "The grace_seconds is no number of seconds.", expected="a number")
    return min(timedelta(seconds=int(value)), longest)

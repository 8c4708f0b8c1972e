"""Dynamic client registration (RFC 7591 §3): open, or for holders of an initial access token."""

from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from tessera_authz.client_registry import ClientRegistry, unknown_token
from tessera_authz.endpoints.actor import actor
from tessera_authz.endpoints.client_information import (
    REGISTER_PATH,
    ClientInformation,
    ClientMetadata,
    SecretShown,
    Served,
    information,
)
from tessera_authz.protocol import client_metadata
from tessera_authz.protocol.registration_policy import Bounds
from tessera_authz.store import initial_access_tokens, scopes
from tessera_authz.store.initial_access_tokens import InitialAccessToken
from tessera_authz.store.scopes import ScopeDirectory
from tessera_authz.tokens import opaque
from tessera_shared import clock, logging
from tessera_shared.db import Database
from tessera_shared.http import bearer
from tessera_shared.http.json_body import json_object
from tessera_shared.http.openapi import Endpoint, OAuthErrorBody, Operation, Reply
from tessera_shared.scope import Scope


@dataclass(frozen=True, slots=True)
class RegistrationEndpoint:
    """Serves registrations.

    Attributes:
        is_open: Whether a client registers without an initial access token.
        profile: What clients get that registered without one, and the least strict they may have.
        grant_types: What they may register for.

    """

    served: Served
    database: Database
    registry: ClientRegistry
    directory: ScopeDirectory
    is_open: bool
    profile: str
    grant_types: tuple[str, ...]

    async def register(self, request: Request) -> Response:
        """Answer a registration request."""
        # 1. who may register, and how much
        initial = await self._initial_access_token(request)
        bounds, default_scope = await self._bounds(initial)
        # 2. read and check the metadata
        sent = await json_object(request, self.served.max_metadata_bytes, "invalid_client_metadata")
        supported = replace(self.served.supported, default_scope=default_scope)
        metadata = client_metadata.check(sent, bounds, supported)
        # 3. store the client
        by = actor(request, f"initial-access-token:{initial.id}" if initial else "anonymous")
        made = await self.registry.register(metadata, bounds, initial.id if initial else None, by)
        # 4. answer
        logging.get().info("client registered", client_id=made.client.client_id, by=by.name)
        secret = SecretShown(made.secret.secret, made.secret.expires_at) if made.secret else None
        return information(self.served, made.client, made.registration_token, secret, 201)

    async def _initial_access_token(self, request: Request) -> InitialAccessToken | None:
        """RFC 7591 §3.1: where registration is open, a token is not needed; one that is sent must be valid."""
        token = bearer.from_header(request, required=not self.is_open)
        if token is None:
            return None
        found = await initial_access_tokens.find(self.database, opaque.digest(token), clock.now())
        if found is None:
            raise unknown_token("an initial access token")
        return found

    async def _bounds(self, initial: InitialAccessToken | None) -> tuple[Bounds, Scope]:
        """What may be registered, and the scope of metadata that names none."""
        entries = await self.directory.all()
        if initial is None:
            bounds = Bounds(scopes.names(entries, opened=True), self.grant_types, self.profile)
            return bounds, scopes.names(entries, default=True)
        known = scopes.names(entries)
        bounds = replace(initial.bounds, scope=tuple(token for token in initial.bounds.scope if token in known))
        return bounds, bounds.scope

    def endpoint(self) -> Endpoint:
        """Its declaration."""
        operation = Operation(
            "POST",
            "Register a client",
            self.register,
            replies=(
                Reply(201, "The client, with all its metadata as stored", ClientInformation),
                Reply(400, "invalid_redirect_uri, invalid_client_metadata, …", OAuthErrorBody),
                Reply(
                    401,
                    "The initial access token is missing or not valid",
                    OAuthErrorBody,
                    headers=("WWW-Authenticate",),
                ),
                Reply(413, "The metadata is too large", OAuthErrorBody),
                Reply(415, "Not JSON", OAuthErrorBody),
                Reply(429, "Too many registrations in this hour", OAuthErrorBody, headers=("Retry-After",)),
            ),
            security=() if self.is_open else ("bearer",),
            section="RFC 7591 §3",
            body=ClientMetadata,
        )
        return Endpoint(REGISTER_PATH, (operation,))

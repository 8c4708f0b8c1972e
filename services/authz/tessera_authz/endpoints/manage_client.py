"""Client configuration (RFC 7592): a registered client reads, replaces or deletes its own registration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tessera_authz.client_auth.secret_verifier import SecretVerifier
from tessera_authz.client_registry import ClientRegistry, unknown_token
from tessera_authz.endpoints.actor import actor
from tessera_authz.endpoints.client_information import (
    REGISTER_PATH,
    ClientInformation,
    ClientMetadata,
    SecretShown,
    Served,
    information,
    registration_token,
)
from tessera_authz.protocol import client_metadata
from tessera_authz.store import client_secrets, registration, scopes
from tessera_authz.store.clients import ClientDirectory
from tessera_authz.store.registration import StoredClient
from tessera_authz.store.scopes import ScopeDirectory, ScopeEntry
from tessera_authz.tokens import opaque
from tessera_shared import clock, logging
from tessera_shared.db import Database
from tessera_shared.errors import OAuthError
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.json_body import json_object
from tessera_shared.http.openapi import Endpoint, OAuthErrorBody, Operation, Parameter, Reply

_ISSUED = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")
"""RFC 7592 §2.2: a client must not send what only the server decides."""


@dataclass(frozen=True, slots=True)
class ManagementEndpoint:
    """Serves the registration_client_uri; every request carries the client's own registration access token."""

    served: Served
    database: Database
    registry: ClientRegistry
    scopes: ScopeDirectory
    clients: ClientDirectory
    secrets: SecretVerifier

    async def read(self, request: Request) -> Response:
        """RFC 7592 §2.1."""
        client_id, token = str(request.path_params["client_id"]), registration_token(request)
        client = await registration.find_by_token(self.database, client_id, opaque.digest(token))
        if client is None:
            raise unknown_token("the client's registration access token")
        return information(self.served, client, token, await self._secret(client_id))

    async def replace(self, request: Request) -> Response:
        """RFC 7592 §2.2: the whole metadata, which takes the old one's place."""
        # 1. whose client it is: before anything is read
        client_id, token = str(request.path_params["client_id"]), registration_token(request)
        if await registration.find_by_token(self.database, client_id, opaque.digest(token)) is None:
            raise unknown_token("the client's registration access token")
        # 2. read the metadata
        sent = await json_object(request, self.served.max_metadata_bytes, "invalid_client_metadata")
        await self._check_identity(client_id, sent)
        entries = await self.scopes.all()
        # 3. check it within what registration allowed, and store it
        made = await self.registry.revise(
            client_id, token, lambda old: self._revised(old, sent, entries), actor(request, f"client:{client_id}")
        )
        # 4. answer
        logging.get().info("client changed", client_id=client_id)
        secret = SecretShown(made.secret.secret, made.secret.expires_at) if made.secret else None
        return information(self.served, made.client, token, secret or await self._secret(client_id))

    async def delete(self, request: Request) -> Response:
        """RFC 7592 §2.3: the client, its grants and its tokens."""
        client_id, token = str(request.path_params["client_id"]), registration_token(request)
        await self.registry.delete(client_id, token, actor(request, f"client:{client_id}"))
        logging.get().info("client removed", client_id=client_id)
        return Response(status_code=204, headers=NO_STORE)

    def _revised(self, old: StoredClient, sent: Mapping[str, Any], entries: Sequence[ScopeEntry]) -> Mapping[str, Any]:
        if old.bounds is None:
            raise unknown_token("a client that registered by itself")
        known = scopes.names(entries)
        bounds = replace(old.bounds, scope=tuple(token for token in old.bounds.scope if token in known))
        supported = replace(self.served.supported, default_scope=scopes.names(entries, default=True))
        return client_metadata.check(sent, bounds, supported)

    async def _check_identity(self, client_id: str, sent: Mapping[str, Any]) -> None:
        if sent.get("client_id") != client_id:
            raise _wrong("The member client_id must be the client's own.", "the client_id of the URL")
        if set(_ISSUED) & sent.keys():
            raise _wrong("The request holds a member that only the server decides.", "none of " + ", ".join(_ISSUED))
        secret = sent.get("client_secret")
        if secret is not None:
            record = await self.clients.find(client_id)
            held = [] if record is None else record.secrets
            if not isinstance(secret, str) or not await self.secrets.verify(client_id, secret, held, clock.now()):
                raise _wrong("The member client_secret is not the client's secret.", "the secret in force")

    async def _secret(self, client_id: str) -> SecretShown | None:
        rows = await client_secrets.list_all(self.database, client_id)
        return SecretShown(None, rows[0]["expires_at"]) if rows else None

    def endpoint(self) -> Endpoint:
        """Its declaration."""
        client_id = Parameter("client_id", "The client", required=True, where="path")
        told = Reply(200, "The client, with all its metadata as stored", ClientInformation)
        unknown = Reply(401, "Not this client's token", OAuthErrorBody, headers=("WWW-Authenticate",))
        refused = (
            Reply(400, "invalid_redirect_uri, invalid_client_metadata", OAuthErrorBody),
            Reply(413, "The metadata is too large", OAuthErrorBody),
            Reply(415, "Not JSON", OAuthErrorBody),
        )
        return Endpoint(
            REGISTER_PATH + "/{client_id}",
            (
                Operation(
                    "GET", "Read the registration", self.read, (client_id,), (told, unknown), ("bearer",),
                    "RFC 7592 §2.1",
                ),
                Operation(
                    "PUT", "Replace the metadata", self.replace, (client_id,), (told, unknown, *refused), ("bearer",),
                    "RFC 7592 §2.2", ClientMetadata,
                ),
                Operation(
                    "DELETE", "Delete the client", self.delete, (client_id,), (Reply(204, "It is gone"), unknown),
                    ("bearer",), "RFC 7592 §2.3",
                ),
            ),
        )  # fmt: skip


def _wrong(description: str, expected: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description, section="RFC 7592 §2.2", expected=expected)

"""The one place that changes clients: registration, management and operators' commands all come here.

Each change is one transaction with its line in the audit log; replicas hear of it by the database's own notice.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tessera_authz.protocol import generated_secret
from tessera_authz.protocol.client_metadata import READABLE_SECRET_METHOD, SECRET_METHODS
from tessera_authz.protocol.registration_policy import Bounds
from tessera_authz.protocol.subject_identifier import check_unchanged
from tessera_authz.store import client_secrets, initial_access_tokens
from tessera_authz.store import registration as store
from tessera_authz.store.clients import ClientSecret
from tessera_authz.store.registration import StoredClient
from tessera_authz.tokens import opaque
from tessera_authz.tokens.revoke import GrantRevoker
from tessera_shared import audit, clock
from tessera_shared.audit import Actor, Event
from tessera_shared.db import Database, Transaction
from tessera_shared.errors import OAuthError
from tessera_shared.source import source_of

_CLIENT_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class RegistryRules:
    """How many and how long.

    Attributes:
        secret_lifetime: Of generated secrets; None: without an end.
        secret_grace: How long a replaced secret goes on working.
        max_secrets: How many secrets of a client may be valid at once.

    """

    per_source_per_hour: int
    per_hour: int
    secret_lifetime: timedelta | None
    secret_grace: timedelta
    max_secrets: int


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that was just made: shown this once."""

    secret: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None
    previous_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A client after a change, with what was made for it and is shown this once."""

    client: StoredClient
    secret: NewSecret | None
    registration_token: str = field(repr=False)


Revise = Callable[[StoredClient], Mapping[str, Any]]
"""Pure: the new metadata of a client, or an OAuthError."""


@dataclass(frozen=True, slots=True)
class ClientRegistry:
    """Registers, changes and deletes clients, and rotates their secrets.

    Attributes:
        seal: Encrypts a client's secret, for the method that needs to read it.

    """

    database: Database
    revoker: GrantRevoker
    rules: RegistryRules
    seal: Callable[[str, str], bytes]

    async def register(
        self, metadata: Mapping[str, Any], bounds: Bounds, initial: UUID | None, actor: Actor
    ) -> Registered:
        """Store a new client of dynamic registration (RFC 7591 §3).

        Args:
            metadata: Checked within `bounds`.
            bounds: What every later change stays within.
            initial: The initial access token that is used up by it.
            actor: Who registers, and from where.

        Raises:
            OAuthError: 429 for too many registrations; 401 where the initial access token was used up meanwhile.

        """
        now, token = clock.now(), opaque.new()
        confidential = metadata["token_endpoint_auth_method"] != "none"
        kept = replace(bounds, confidential=confidential)
        client = StoredClient(secrets.token_urlsafe(_CLIENT_ID_BYTES), metadata, "registration", kept, now, now)
        async with self.database.transaction() as tx:
            await self._count(tx, actor.origin, now)
            if initial is not None and not await initial_access_tokens.use(tx, initial, now):
                raise unknown_token("an initial access token with uses left")
            await store.add(tx, client, opaque.digest(token))
            secret = await self.make_secret_if_used(tx, client)
            await audit.record(tx, actor, Event("client.registered", client.client_id, details=_told(metadata)))
        return Registered(client, secret, token)

    async def revise(self, client_id: str, token: str, by: Revise, actor: Actor) -> Registered:
        """Replace a client's metadata (RFC 7592 §2.2), with a new secret where it did not use one before.

        Raises:
            OAuthError: 401 where the registration access token is not this client's; what `by` raises.

        """
        now = clock.now()
        async with self.database.transaction() as tx:
            old = await store.lock(tx, client_id, opaque.digest(token))
            if old is None:
                raise unknown_token("the client's registration access token")
            new = replace(old, metadata=by(old), updated_at=now)
            secret = await self.store_change(tx, old, new, actor)
        return Registered(new, secret, token)

    async def store_change(
        self, tx: Transaction, old: StoredClient, new: StoredClient, actor: Actor
    ) -> NewSecret | None:
        """Store other metadata of a client that is locked; the secret that was made, where it now uses one.

        Raises:
            OAuthError: invalid_client_metadata, where its users would get other identifiers.

        """
        check_unchanged(old.metadata, new.metadata)
        now, client_id = new.updated_at, new.client_id
        bounds = new.bounds
        if bounds is not None and new.metadata["token_endpoint_auth_method"] != "none":
            bounds = replace(bounds, confidential=True)
        await store.replace(tx, client_id, new.metadata, bounds, now)
        if store.shows_other(old.metadata, new.metadata):
            await store.forget_consent(tx, client_id)
        secret = None
        if _secret_kind(old.metadata) != _secret_kind(new.metadata):
            await client_secrets.remove_all(tx, client_id)
            secret = await self.make_secret_if_used(tx, new)
        changed = sorted(n for n in {*old.metadata, *new.metadata} if old.metadata.get(n) != new.metadata.get(n))
        await audit.record(tx, actor, Event("client.changed", client_id, details={"members": changed}))
        return secret

    async def delete(self, client_id: str, token: str | None, actor: Actor) -> None:
        """Delete a client with its grants and tokens (RFC 7592 §2.3); none of them is accepted any more.

        Args:
            client_id: The client.
            token: Its registration access token; None for an operator.
            actor: Who deletes it.

        Raises:
            OAuthError: 401 where there is no such client, or the token is not its own.

        """
        async with self.database.transaction() as tx:
            found = await store.lock(tx, client_id, None if token is None else opaque.digest(token))
            if found is None:
                raise unknown_token("the client's registration access token")
            await store.delete(tx, client_id, clock.now() + self.revoker.matters_for)
            await audit.record(tx, actor, Event("client.removed", client_id))
        await self.revoker.announce_client(client_id)

    async def rotate_secret(self, client_id: str, grace: timedelta, actor: Actor) -> NewSecret:
        """Make a new secret; those that were valid end after the grace period, and cannot be rotated with.

        Raises:
            OAuthError: The client uses no secret; 429 where too many are valid.

        """
        now = clock.now()
        async with self.database.transaction() as tx:
            client = await store.lock(tx, client_id)
            if client is None or not _uses_secret(client.metadata):
                raise OAuthError(
                    "unauthorized_client",
                    "This client does not authenticate with a secret.",
                    section="RFC 6749 §2.3.1",
                    expected=", ".join(SECRET_METHODS),
                )
            ends = await client_secrets.replace_all(tx, client_id, now + min(grace, self.rules.secret_grace), now)
            made = await self._make_secret(tx, client, now)
            details = {"previous_expires_at": None if ends is None else ends.isoformat()}
            await audit.record(tx, actor, Event("secret.rotated", client_id, details=details))
        return replace(made, previous_expires_at=ends)

    async def make_secret_if_used(self, tx: Transaction, client: StoredClient) -> NewSecret | None:
        """Make a secret for a client whose method needs one."""
        return await self._make_secret(tx, client, clock.now()) if _uses_secret(client.metadata) else None

    async def check_room(self, tx: Transaction, client_id: str, now: datetime) -> None:
        """Refuse one more secret where as many are valid as may be.

        Raises:
            OAuthError: 429.

        """
        if await client_secrets.count_valid(tx, client_id, now) >= self.rules.max_secrets:
            raise OAuthError(
                "too_many_requests",
                "Too many secrets of this client are valid. Try again when one has ended.",
                status=429,
                expected=f"at most {self.rules.max_secrets}",
                headers={"retry-after": "60"},
            )

    async def _make_secret(self, tx: Transaction, client: StoredClient, now: datetime) -> NewSecret:
        await self.check_room(tx, client.client_id, now)
        secret = opaque.new()
        expires_at = None if self.rules.secret_lifetime is None else now + self.rules.secret_lifetime
        is_read = client.metadata["token_endpoint_auth_method"] == READABLE_SECRET_METHOD
        sealed = self.seal(client.client_id, secret) if is_read else None
        stored = ClientSecret(generated_secret.stored_form(secret), expires_at, sealed)
        await client_secrets.add(tx, client.client_id, stored, now)
        return NewSecret(secret, now, expires_at)

    async def _count(self, tx: Transaction, origin: str, now: datetime) -> None:
        within = await store.count(tx, source_of(origin), self.rules.per_source_per_hour, now)
        if not within or not await store.count(tx, "*", self.rules.per_hour, now):
            raise OAuthError(
                "too_many_requests",
                "Too many clients were registered in this hour. Try again later.",
                status=429,
                section="RFC 7591 §5",
                expected=f"{self.rules.per_source_per_hour} an hour from one source, {self.rules.per_hour} in total",
                received=source_of(origin),
                headers={"retry-after": "3600"},
            )


def unknown_token(expected: str) -> OAuthError:
    """RFC 7592 §3: the same answer for an unknown client and for another client's token."""
    return OAuthError(
        "invalid_token",
        "The access token is not valid here.",
        status=401,
        section="RFC 6750 §3.1",
        expected=expected,
        received="another token, or none",
        headers={"www-authenticate": 'Bearer realm="tessera", error="invalid_token"'},
    )


def _uses_secret(metadata: Mapping[str, Any]) -> bool:
    return metadata["token_endpoint_auth_method"] in SECRET_METHODS


def _secret_kind(metadata: Mapping[str, Any]) -> str:
    """Secrets are kept as a hash only, or readable too, or there are none."""
    if not _uses_secret(metadata):
        return "none"
    return "readable" if metadata["token_endpoint_auth_method"] == READABLE_SECRET_METHOD else "hashed"


def _told(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit log tells of a new client."""
    names = ("client_name", "redirect_uris", "grant_types", "scope", "token_endpoint_auth_method", "profile")
    return {name: metadata[name] for name in names if name in metadata}

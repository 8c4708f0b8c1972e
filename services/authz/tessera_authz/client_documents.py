"""Fetches client ID metadata documents and keeps the clients of them, as long as their headers say, within bounds.

The database is the memory that replicas share: a document is a client's row with an end to its freshness.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tessera_authz.protocol import client_document
from tessera_authz.protocol.client_metadata import Supported
from tessera_authz.protocol.registered_uri import host_of
from tessera_authz.protocol.registration_policy import Bounds
from tessera_authz.protocol.subject_identifier import check_unchanged
from tessera_authz.store import registration
from tessera_shared import audit, logging
from tessera_shared.audit import Actor, Event
from tessera_shared.db import Database
from tessera_shared.errors import OAuthError
from tessera_shared.fetch import Fetched, Fetcher, NotFetched
from tessera_shared.http.json_body import parse_object

_LEAST_FRESH, _MOST_FRESH = timedelta(minutes=5), timedelta(days=1)
_KEPT_WHILE_AWAY = timedelta(hours=1)
"""How long a document goes on counting whose host does not answer any more."""
_RETRY = timedelta(seconds=30)
_PER_HOST_A_MINUTE = 10
_MAX_REMEMBERED = 10_000
_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class DocumentRules:
    """What is taken.

    Attributes:
        fetched_by_http: Hosts of which documents may be fetched by http.
        per_hour: How many new clients an hour.
        bounds: How far clients with a document may go, with the scopes that exist now.

    """

    supported: Supported
    fetched_by_http: frozenset[str]
    per_hour: int
    bounds: Callable[[], Awaitable[Bounds]]


class ClientDocuments:
    """Makes and renews the clients of documents."""

    def __init__(self, database: Database, fetcher: Fetcher, rules: DocumentRules) -> None:
        self._database = database
        self._fetcher = fetcher
        self._rules = rules
        self._fetching: dict[str, asyncio.Lock] = {}
        self._failed: dict[str, tuple[datetime, NotFetched | OAuthError]] = {}
        self._fetched_from: dict[str, tuple[datetime, int]] = {}

    async def renew(self, client_id: str, stale_since: datetime | None, now: datetime) -> bool:
        """Fetch, check and store a document; everyone who waits for the same one shares the fetch.

        Args:
            client_id: The address, if it is one.
            stale_since: When what is stored stopped being fresh; None where nothing is stored.
            now: The current time.

        Returns:
            False where the client_id is no address of a document.

        Raises:
            OAuthError: invalid_client, where the document cannot be fetched or used.

        """
        if not client_document.is_document_id(client_id, self._rules.fetched_by_http):
            return False
        lock = self._fetching.setdefault(client_id, asyncio.Lock())
        try:
            async with lock:
                stored = await registration.find(self._database, client_id)
                if stored is None or (stored.fresh_until is not None and stored.fresh_until <= now):
                    await self._renew(client_id, now)
        except NotFetched as error:
            if stale_since is None or now > stale_since + _KEPT_WHILE_AWAY:
                raise _unusable(client_id, str(error)) from error
        finally:
            if not lock.locked():
                self._fetching.pop(client_id, None)
        return True

    async def _renew(self, client_id: str, now: datetime) -> None:
        failed_at, failure = self._failed.get(client_id, (_NEVER, None))
        if failure is not None and now < failed_at + _RETRY:
            raise failure
        try:
            self._count_fetch(client_id, now)
            fetched = await self._fetcher.get(client_id, "application/json")
            metadata = await self._read(client_id, fetched)
            await self._store(client_id, metadata, now, now + fetched.fresh_for(_LEAST_FRESH, _MOST_FRESH, now))
        except (NotFetched, OAuthError) as error:
            logging.get().warning("client document: not usable", client_id=client_id[:200], reason=str(error))
            if len(self._failed) >= _MAX_REMEMBERED:
                self._failed.clear()
            self._failed[client_id] = (now, error)
            raise
        self._failed.pop(client_id, None)

    async def _read(self, client_id: str, fetched: Fetched) -> Mapping[str, Any]:
        if fetched.media_type != "application/json" and not fetched.media_type.endswith("+json"):
            raise _unusable(client_id, "it is not JSON")
        try:
            document = parse_object(fetched.body, "invalid_client_metadata")
            return client_document.read(document, client_id, await self._rules.bounds(), self._rules.supported)
        except OAuthError as error:
            raise _unusable(client_id, error.description) from error

    async def _store(self, client_id: str, metadata: Mapping[str, Any], now: datetime, fresh_until: datetime) -> None:
        host = host_of(client_id)
        async with self._database.transaction() as tx:
            old = await registration.lock(tx, client_id)
            if old is None and not await registration.count(tx, "documents", self._rules.per_hour, now):
                raise _unusable(client_id, "too many new documents in this hour")
            if old is not None:
                _check_subjects(client_id, old.metadata, metadata)
            if old is not None and registration.shows_other(old.metadata, metadata):
                await registration.forget_consent(tx, client_id)
            await registration.store_document(tx, client_id, metadata, now, fresh_until)
            if old is None or old.metadata != metadata:
                await audit.record(
                    tx, Actor("authz", f"client:{client_id}", host), Event("client.document-taken", client_id)
                )

    def _count_fetch(self, client_id: str, now: datetime) -> None:
        """Bound how often one host is asked on behalf of whoever sends client_ids."""
        host = host_of(client_id)
        begun, count = self._fetched_from.get(host, (now, 0))
        if now - begun > timedelta(minutes=1):
            begun, count = now, 0
        if count >= _PER_HOST_A_MINUTE:
            raise NotFetched("its host was asked too often in this minute")
        if len(self._fetched_from) >= _MAX_REMEMBERED:
            self._fetched_from.clear()
        self._fetched_from[host] = (begun, count + 1)


def _check_subjects(client_id: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    try:
        check_unchanged(old, new)
    except OAuthError as error:
        raise _unusable(client_id, error.description) from error


def _unusable(client_id: str, reason: str) -> OAuthError:
    return OAuthError(
        "invalid_client",
        "The metadata document of the client_id cannot be used.",
        section="draft-ietf-oauth-client-id-metadata-document §4",
        expected="a client ID metadata document",
        received=f"{client_id[:200]}: {reason}",
    )

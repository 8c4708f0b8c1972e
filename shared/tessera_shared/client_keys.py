"""A client's public keys: in its metadata (`jwks`), or behind a URL (`jwks_uri`, RFC 7591 §2) that is fetched and kept.

A set that was fetched is kept as its headers say, within bounds; where no known key will do it is fetched again, at
most once a minute; while the host is away the keys it told last go on for a day.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from tessera_shared import logging
from tessera_shared.errors import OAuthError
from tessera_shared.fetch import Fetched, Fetcher, NotFetched
from tessera_shared.jose.compact import Unverified, is_signed_by
from tessera_shared.jose.encryption import Recipient, choose
from tessera_shared.jose.public_key import PublicKey, read_jwks, select

_ACCEPT = "application/jwk-set+json, application/json"
_LEAST_FRESH, _MOST_FRESH = timedelta(minutes=1), timedelta(hours=1)
_REFETCH = timedelta(seconds=60)
"""How soon a signature that no known key explains may cause another fetch."""
_RETRY = timedelta(seconds=5)
"""How soon a URL that gave nothing is tried again."""
_KEPT_WHILE_AWAY = timedelta(days=1)
_MAX_SETS = 5_000
_MAX_TRIED = 10
_NEVER = datetime.fromtimestamp(0, UTC)


Members = tuple[Mapping[str, Any], ...]
"""The JSON Web Keys of a set as they were sent: with certificates (`x5c`), and not checked."""


class KeyHolder(Protocol):
    """A client, as far as its keys are concerned."""

    @property
    def client_id(self) -> str:
        """Its identifier."""
        ...

    @property
    def jwks(self) -> Mapping[str, Any] | None:
        """Its keys in place."""
        ...

    @property
    def jwks_uri(self) -> str | None:
        """Where they are otherwise."""
        ...


@dataclass(slots=True)
class _FetchedSet:
    """What a URL told."""

    keys: tuple[PublicKey, ...] = ()
    members: Members = ()
    fetched_at: datetime = _NEVER
    tried_at: datetime = _NEVER
    fresh_until: datetime = _NEVER
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)


class ClientKeys:
    """Verifies what clients sign with their own keys, and finds those to encrypt for them with."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._sets: dict[str, _FetchedSet] = {}

    async def has_signed(self, client: KeyHolder, signed: Unverified, now: datetime) -> bool:
        """Whether one of the client's keys made the signature, by the algorithm that the header names.

        The caller has checked that the client may use that algorithm; symmetric ones never fit a public key.
        """
        async for keys in self._sets_of(client, signed, now):
            candidates = select(keys, signed.kid, signed.alg)[:_MAX_TRIED]
            if any(is_signed_by(signed, key.key, signed.alg) for key in candidates):
                return True
        return False

    async def _sets_of(
        self, client: KeyHolder, signed: Unverified, now: datetime
    ) -> AsyncIterator[tuple[PublicKey, ...]]:
        """The client's keys as they are known; then, where they did not explain the signature, as they are now."""
        if client.jwks is not None:
            try:
                yield read_jwks(client.jwks)
            except ValueError as error:
                logging.get().warning("client keys: not readable", client_id=client.client_id, reason=str(error))
        elif client.jwks_uri is not None:
            known = self._set_of(client.jwks_uri)
            if now >= known.fresh_until:
                await self._fetch(client.jwks_uri, known, now, _REFETCH if known.keys else _RETRY)
            yield known.keys
            if signed.kid is None or not select(known.keys, signed.kid, signed.alg):
                fetched_at = known.fetched_at
                await self._fetch(client.jwks_uri, known, now, _REFETCH)
                if known.fetched_at != fetched_at:
                    yield known.keys

    async def holds(self, client: KeyHolder, is_it: Callable[[Mapping[str, Any]], bool], now: datetime) -> bool:
        """Whether one of the client's keys is the one that is looked for, among those known or fetched again."""
        async for members in self._members_of(client, now):
            if any(map(is_it, members)):
                return True
        return False

    async def recipient(self, client: KeyHolder, alg: str, enc: str, now: datetime) -> Recipient:
        """The client, to encrypt for with a key of its own (OpenID Connect Core §10.2).

        Raises:
            OAuthError: 503, where no such key can be had now.

        """
        async for members in self._members_of(client, now):
            key = choose(read_jwks({"keys": members}, "enc"), alg)
            if key is not None:
                return Recipient(alg, enc, key.key, key.kid)
        raise no_key(alg)

    async def _members_of(self, client: KeyHolder, now: datetime) -> AsyncIterator[Members]:
        """The client's keys as they are known; then, where none of them would do, as they are now."""
        if client.jwks is not None or client.jwks_uri is None:
            yield _members(client.jwks)
            return
        known = self._set_of(client.jwks_uri)
        if now >= known.fresh_until:
            await self._fetch(client.jwks_uri, known, now, _REFETCH if known.members else _RETRY)
        yield known.members
        await self._fetch(client.jwks_uri, known, now, _REFETCH)
        yield known.members

    async def _fetch(self, url: str, known: _FetchedSet, now: datetime, interval: timedelta) -> None:
        """Fetch the set, unless that was tried within the interval; everyone who waits shares one fetch."""
        async with known.fetching:
            if now < known.tried_at + interval:
                return
            known.tried_at = now
            try:
                fetched = await self._fetcher.get(url, _ACCEPT)
                document = _parse(fetched)
                known.keys, known.members = read_jwks(document), _members(document)
            except (NotFetched, ValueError) as error:
                if now > known.fetched_at + _KEPT_WHILE_AWAY:
                    known.keys, known.members = (), ()
                known.fresh_until = now + _RETRY
                logging.get().warning("client keys: not fetched", url=url, reason=str(error), kept=len(known.keys))
                return
            known.fetched_at = now
            known.fresh_until = now + fetched.fresh_for(_LEAST_FRESH, _MOST_FRESH, now)
            logging.get().info("client keys: fetched", url=url, kids=[key.kid for key in known.keys])

    def _set_of(self, url: str) -> _FetchedSet:
        """What is known of a URL; the oldest of too many is forgotten."""
        if url not in self._sets and len(self._sets) >= _MAX_SETS:
            self._sets.pop(next(iter(self._sets)))
        return self._sets.setdefault(url, _FetchedSet())


def no_key(alg: str) -> OAuthError:
    """There is nothing to encrypt with. The client finds out at once, and may try again: nothing was used up."""
    return OAuthError(
        "temporarily_unavailable",
        "The client has no key that the answer could be encrypted with now. Nothing was used up.",
        status=503,
        section="OIDC Core §10.2",
        expected=f"a key or secret of the client for {alg}",
        received="none",
        headers={"retry-after": "5"},
    )


def _members(document: object) -> Members:
    keys = document.get("keys") if isinstance(document, Mapping) else None
    return tuple(key for key in keys if isinstance(key, Mapping)) if isinstance(keys, list | tuple) else ()


def _parse(fetched: Fetched) -> object:
    """The JSON of an answer that calls itself JSON (RFC 7517 §8.5).

    Raises:
        ValueError: It is none.

    """
    if fetched.media_type != "application/json" and not fetched.media_type.endswith("+json"):
        raise ValueError(f"the content type is {fetched.media_type[:80] or 'missing'}")
    try:
        return json.loads(fetched.body)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deep") from error

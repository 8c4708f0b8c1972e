"""The issuer's keys as a verifier follows them: told over Redis, fetched by HTTP, kept while the issuer is away."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx

from tessera_shared import clock, logging
from tessera_shared.errors import Unavailable
from tessera_shared.jose.keys import VerificationKey, parse_jwks
from tessera_shared.keystore import publication
from tessera_shared.redis import Redis

_REFETCH = timedelta(seconds=5)
"""How soon an unknown kid may cause another fetch; everyone who waits shares one."""
_REFRESH = timedelta(minutes=5)
_MAX_BYTES = 256 * 1024
_TIMEOUT_SECONDS = 5.0
"""For the whole answer: an issuer that sends a byte now and then must not hold up whoever waits."""


class JwksClient:
    """A `KeySource` that follows an issuer's JWKS."""

    def __init__(self, url: str, redis: Redis) -> None:
        self._url = url
        self._redis = redis
        self._keys: dict[str, VerificationKey] = {}
        self._fetched_at = clock.LONG_AGO
        self._fetching = asyncio.Lock()
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)
        self._announced = True
        self.generation = 0

    @property
    def has_keys(self) -> bool:
        """Whether any token could be verified now."""
        return bool(self._keys)

    async def find(self, kid: str) -> VerificationKey | None:
        """The key of that kid; an unknown one is looked for at the issuer, at most once in a few seconds."""
        key = self._keys.get(kid)
        if key is None:
            await self._fetch_if_due(_REFETCH)
            key = self._keys.get(kid)
        return key

    async def follow(self) -> None:
        """Keep the set fresh until cancelled: by Redis where it answers, by HTTP from time to time in any case."""
        while True:
            try:
                await self._follow_redis()
            except Unavailable as error:
                if self._announced:
                    logging.get().warning("jwks: no announcements, going on by HTTP", reason=str(error))
                self._announced = False
                await self._fetch_if_due(_REFRESH if self.has_keys else timedelta(seconds=1))
                await asyncio.sleep(1.0)

    async def close(self) -> None:
        """Close the HTTP connections."""
        await self._http.aclose()

    async def _follow_redis(self) -> None:
        connected = False
        async for message in publication.changes(self._redis):
            if message or not connected:
                await self._read_snapshot()
            connected = self._announced = True
            await self._fetch_if_due(_REFRESH if self.has_keys else timedelta(seconds=1))

    async def _read_snapshot(self) -> None:
        try:
            snapshot = await publication.snapshot(self._redis)
            if snapshot is not None:
                self._replace(snapshot, "redis")
        except (ValueError, RecursionError) as error:
            logging.get().error("jwks: snapshot not understood, going on by HTTP", reason=str(error))

    async def _fetch_if_due(self, interval: timedelta) -> None:
        async with self._fetching:
            if clock.steady() - self._fetched_at < interval:
                return
            self._fetched_at = clock.steady()
            try:
                self._replace(await self._fetch(), "http")
            except (httpx.HTTPError, TimeoutError, ValueError, RecursionError) as error:
                logging.get().warning("jwks: not fetched, keeping the known keys", url=self._url, reason=repr(error))

    async def _fetch(self) -> Any:  # noqa: ANN401 - JSON
        accept = {"accept": "application/jwk-set+json, application/json"}
        body = bytearray()
        async with asyncio.timeout(_TIMEOUT_SECONDS), self._http.stream("GET", self._url, headers=accept) as response:
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise ValueError(f"the JWKS is larger than {_MAX_BYTES} bytes")
        return json.loads(body)

    def _replace(self, document: Any, source: str) -> None:  # noqa: ANN401 - JSON
        keys = parse_jwks(document)
        if keys.keys() != self._keys.keys():
            self.generation += 1
            logging.get().info("jwks: key set changed", source=source, kids=sorted(keys))
        self._keys = keys

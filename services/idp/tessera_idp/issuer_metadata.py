"""The issuer's metadata (OpenID Connect Discovery §4) as authz tells it: fetched, remembered, kept while it is away."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tessera_shared import clock, logging
from tessera_shared.errors import Unavailable

_FRESH = timedelta(seconds=60)
_RETRY = timedelta(seconds=1)
_MAX_BYTES = 256 * 1024


class IssuerMetadata:
    """The document, no older than a minute while the issuer answers."""

    def __init__(self, url: str, issuer: str) -> None:
        self._url = url
        self._issuer = issuer
        self._http = httpx.AsyncClient(timeout=3.0, follow_redirects=False, trust_env=False)
        self._document: dict[str, Any] | None = None
        self._due = datetime.fromtimestamp(0, UTC)
        self._fetching = asyncio.Lock()

    async def get(self) -> dict[str, Any]:
        """The document.

        Raises:
            Unavailable: It could not be fetched yet.

        """
        async with self._fetching:  # everyone who waits shares one fetch
            if clock.now() >= self._due:
                await self._fetch()
        if self._document is None:
            raise Unavailable("the issuer's metadata could not be fetched yet")
        return self._document

    async def close(self) -> None:
        """Close the HTTP connections."""
        await self._http.aclose()

    async def _fetch(self) -> None:
        try:
            self._document = self._check(await self._http.get(self._url, headers={"accept": "application/json"}))
            self._due = clock.now() + _FRESH
        except (httpx.HTTPError, ValueError) as error:
            self._due = clock.now() + _RETRY
            logging.get().warning("issuer metadata not fetched", url=self._url, reason=repr(error))

    def _check(self, response: httpx.Response) -> dict[str, Any]:
        response.raise_for_status()
        if len(response.content) > _MAX_BYTES:
            raise ValueError(f"the document is larger than {_MAX_BYTES} bytes")
        document = response.json()
        # OpenID Connect Discovery §4.3: the issuer it names must be the one it was asked of
        if not isinstance(document, dict) or document.get("issuer") != self._issuer:
            raise ValueError(f"the document does not name the issuer {self._issuer}")
        return document

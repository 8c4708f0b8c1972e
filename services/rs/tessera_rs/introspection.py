"""Token introspection (RFC 7662), asked only while revocations cannot be known from the stream or the database."""

import asyncio
from urllib.parse import quote_plus

import httpx

from tessera_rs.config import Introspection
from tessera_shared import logging
from tessera_shared.access_token import RevocationUnknown
from tessera_shared.config import read_secret
from tessera_shared.jose.jwt import VerifiedClaims

_TIMEOUT_SECONDS = 5.0


class IntrospectionClient:
    """Asks the issuer whether a token is active, as the client of the configuration.

    Raises:
        StartupError: The client's secret cannot be read.

    """

    def __init__(self, config: Introspection) -> None:
        self._url = config.url
        # RFC 6749 §2.3.1: the credentials are form-encoded before they become Basic credentials
        credentials = quote_plus(config.client_id), quote_plus(read_secret(config.client_secret_file))
        self._http = httpx.AsyncClient(
            auth=httpx.BasicAuth(*credentials), timeout=_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
        )

    async def is_active(self, token: str, _claims: VerifiedClaims) -> bool:
        """Whether the issuer calls the token active.

        Raises:
            RevocationUnknown: The issuer did not say.

        """
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                form = {"token": token, "token_type_hint": "access_token"}
                response = await self._http.post(self._url, data=form, headers={"accept": "application/json"})
            response.raise_for_status()
            answer = response.json()
        except (httpx.HTTPError, TimeoutError, ValueError, RecursionError) as error:
            logging.get().error("introspection: no answer", url=self._url, reason=repr(error))
            raise RevocationUnknown from error
        # RFC 7662 §2.2: only the JSON value true says that the token is active
        return isinstance(answer, dict) and answer.get("active") is True

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

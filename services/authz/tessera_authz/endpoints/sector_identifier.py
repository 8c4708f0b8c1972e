"""sector_identifier_uri (OpenID Connect Registration §5): the document behind it names every redirect URI."""

import json
from collections.abc import Mapping
from typing import Any

from tessera_authz.protocol.registration_policy import refusal
from tessera_shared.fetch import Fetcher, NotFetched

_MEMBER = "sector_identifier_uri"


async def check_sector_identifier(metadata: Mapping[str, Any], fetcher: Fetcher) -> None:
    """Fetch the document, where the metadata names one.

    Raises:
        OAuthError: invalid_client_metadata, where it cannot be fetched, or leaves a redirect URI out.

    """
    if _MEMBER not in metadata:
        return
    try:
        listed = json.loads((await fetcher.get(metadata[_MEMBER], "application/json")).body)
    except (NotFetched, ValueError, RecursionError) as error:
        raise refusal(_MEMBER, "cannot be fetched, or is not JSON", "a JSON array of URIs") from error
    missing = [uri for uri in metadata["redirect_uris"] if not isinstance(listed, list) or uri not in listed]
    if missing:
        raise refusal(_MEMBER, "does not list every redirect URI", "every redirect URI, character by character")

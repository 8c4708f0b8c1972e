"""The JWK Set (RFC 7517 §5): the public keys that verify what this server signs."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from tessera_shared import clock
from tessera_shared.http.openapi import Endpoint, Operation, Reply
from tessera_shared.keystore.live import LiveRing

MEDIA_TYPE = "application/jwk-set+json"


class JwkSet(TypedDict):
    """RFC 7517 §5."""

    keys: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class JwksEndpoint:
    """Serves the key set."""

    ring: LiveRing

    async def jwks(self, request: Request) -> Response:
        """The key set, cacheable; 304 for a copy that is still right."""
        content = json.dumps(self.ring.current.public_jwks(clock.now())).encode()
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"cache-control": "public, max-age=300", "etag": etag, "access-control-allow-origin": "*"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=MEDIA_TYPE)

    def endpoint(self) -> Endpoint:
        """Its declaration."""
        replies = (
            Reply(200, "Next, active and retired public keys", JwkSet, MEDIA_TYPE, headers=("Cache-Control", "ETag")),
            Reply(304, "The copy of that If-None-Match is still right"),
        )
        operation = Operation("GET", "Public keys", self.jwks, replies=replies, section="RFC 7517 §5")
        return Endpoint("/oauth2/v1/jwks", (operation,))

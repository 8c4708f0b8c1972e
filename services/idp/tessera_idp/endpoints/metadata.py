"""`/.well-known/openid-configuration`: what the issuer tells of itself, told again here."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera_idp.issuer_metadata import IssuerMetadata
from tessera_shared.http.openapi import Endpoint, Operation, Reply


@dataclass(frozen=True, slots=True)
class MetadataEndpoint:
    """OpenID Connect Discovery §4."""

    metadata: IssuerMetadata

    async def tell(self, _request: Request) -> Response:
        """GET."""
        return JSONResponse(await self.metadata.get(), headers={"cache-control": "public, max-age=60"})

    def endpoints(self) -> list[Endpoint]:
        """The declaration."""
        replies = (Reply(200, "The metadata"), Reply(503, "The issuer did not answer yet"))
        summary, section = "The issuer's metadata, told again", "OpenID Connect Discovery 1.0 §4"
        tell = Operation("GET", summary, self.tell, replies=replies, section=section)
        return [Endpoint("/.well-known/openid-configuration", (tell,))]

"""`/.well-known/openid-configuration`: what the issuer tells of itself, told again here."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera_idp.issuer_metadata import IssuerMetadata


@dataclass(frozen=True, slots=True)
class MetadataEndpoint:
    """OpenID Connect Discovery §4."""

    metadata: IssuerMetadata

    async def tell(self, _request: Request) -> Response:
        """GET."""
        return JSONResponse(await self.metadata.get(), headers={"cache-control": "public, max-age=60"})

"""Protected resource metadata (RFC 9728): which authorization server to ask, and for what."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera_rs.config import RsConfig
from tessera_rs.protocol.bearer_token import ProtectedResource
from tessera_shared import dpop
from tessera_shared.http.openapi import Endpoint, Operation, Reply

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def metadata(config: RsConfig, resources: Sequence[ProtectedResource]) -> Mapping[str, Any]:
    """RFC 9728 §2; the scopes are those that the resources ask for."""
    return {
        "resource": config.public_url,
        "authorization_servers": [config.issuer],
        "scopes_supported": list(dict.fromkeys(scope for resource in resources for scope in resource.scope)),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(dpop.ALGS),
        "dpop_bound_access_tokens_required": False,
        "resource_name": "Tessera Resource Server",
        "resource_documentation": f"{config.public_url}/ui/swagger",
    }


def metadata_endpoint(document: Mapping[str, Any]) -> Endpoint:
    """`GET /.well-known/oauth-protected-resource` (RFC 9728 §3)."""

    async def tell(_request: Request) -> Response:
        headers = {"cache-control": "public, max-age=300", "access-control-allow-origin": "*"}
        return JSONResponse(document, headers=headers)

    reply = Reply(200, "The metadata", dict[str, Any], headers=("Cache-Control",))
    operation = Operation("GET", "Protected resource metadata", tell, replies=(reply,), section="RFC 9728 §3")
    return Endpoint(WELL_KNOWN, (operation,))

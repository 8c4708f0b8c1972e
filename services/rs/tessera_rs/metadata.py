"""Protected resource metadata (RFC 9728): which authorization server to ask, and for what."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera_rs.config import RsConfig
from tessera_rs.endpoints.challenges import METADATA_PATH
from tessera_rs.protocol.bearer_token import ProtectedResource
from tessera_shared import dpop
from tessera_shared.http.openapi import Endpoint, Operation, Reply
from tessera_shared.http.public_url import PublicUrl


def metadata(config: RsConfig, resources: Sequence[ProtectedResource], resource: str) -> Mapping[str, Any]:
    """RFC 9728 §2; the scopes are those that the resources ask for.

    Args:
        config: What the service accepts.
        resources: What it protects.
        resource: The URL that it is asked under: of its plain or of its TLS port (§3.3).

    """
    return {
        "resource": resource,
        "authorization_servers": [config.issuer],
        "scopes_supported": list(dict.fromkeys(scope for resource in resources for scope in resource.scope)),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(dpop.ALGS),
        "dpop_bound_access_tokens_required": False,
        "tls_client_certificate_bound_access_tokens": config.sees_client_certificates,
        "resource_name": "Tessera Resource Server",
        "resource_documentation": f"{resource}/ui/swagger",
    }


def metadata_endpoint(config: RsConfig, resources: Sequence[ProtectedResource]) -> Endpoint:
    """`GET /.well-known/oauth-protected-resource` (RFC 9728 §3)."""
    url = PublicUrl(config.public_url, config.tls)

    async def tell(request: Request) -> Response:
        document = metadata(config, resources, url.base(request.scope))
        headers = {"cache-control": "public, max-age=300", "access-control-allow-origin": "*"}
        return JSONResponse(document, headers=headers)

    reply = Reply(200, "The metadata", dict[str, Any], headers=("Cache-Control",))
    operation = Operation("GET", "Protected resource metadata", tell, replies=(reply,), section="RFC 9728 §3")
    return Endpoint(METADATA_PATH, (operation,))

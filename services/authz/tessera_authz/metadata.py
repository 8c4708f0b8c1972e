"""Authorization server metadata (RFC 8414) and OpenID discovery, made from the registries that serve requests."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera_authz.client_auth import (
    ASSERTION_ALGS,
    CONFIDENTIAL_METHODS,
    METHODS,
    self_signed_tls_client_auth,
    tls_client_auth,
)
from tessera_authz.config import AuthzConfig
from tessera_authz.grants import GRANTS
from tessera_authz.protocol import pkce
from tessera_authz.protocol.authorization_request import RESPONSE_TYPES
from tessera_authz.protocol.openid_parameters import DISPLAYS, PROMPTS
from tessera_authz.protocol.profiles import ALL_SIGNING_ALGS
from tessera_authz.protocol.response_encryption import ENCRYPTED
from tessera_authz.response_modes import RESPONSE_MODES
from tessera_authz.store.scopes import ScopeDirectory
from tessera_authz.tokens.id_token import CLAIMS
from tessera_shared import dpop
from tessera_shared.claims import ACR_VALUES, SCOPE_CLAIMS
from tessera_shared.http.openapi import Endpoint, Operation, Reply
from tessera_shared.jose.encryption import CONTENT_ENCRYPTION, KEY_MANAGEMENT
from tessera_shared.pairwise import SUBJECT_TYPES

_CALLED_BY_CLIENTS = (
    "pushed_authorization_request_endpoint",
    "token_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
)
"""Where clients authenticate."""

_PATHS = {
    "authorization_endpoint": "/oauth2/v1/authorize",
    "pushed_authorization_request_endpoint": "/oauth2/v1/par",
    "token_endpoint": "/oauth2/v1/token",
    "introspection_endpoint": "/oauth2/v1/introspect",
    "revocation_endpoint": "/oauth2/v1/revoke",
    "registration_endpoint": "/oauth2/v1/register",
    "jwks_uri": "/oauth2/v1/jwks",
}


def metadata(config: AuthzConfig, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """RFC 8414 §2 and OpenID Connect Discovery §3; an endpoint is told only if it is in the route table."""
    served = {endpoint.path for endpoint in endpoints}
    own = {name: config.issuer + path for name, path in _PATHS.items() if path in served}
    methods = _methods(config)
    return {
        "issuer": config.issuer,
        **own,
        "userinfo_endpoint": f"{config.idp_url}/oidc/v1/userinfo",
        "end_session_endpoint": f"{config.idp_url}/oidc/v1/logout",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGS),
        "introspection_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGS),
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": [name for name in methods if name in CONFIDENTIAL_METHODS],
        "revocation_endpoint_auth_methods_supported": methods,
        "tls_client_certificate_bound_access_tokens": config.sees_client_certificates,
        **_mtls_endpoint_aliases(config, served),
        "dpop_signing_alg_values_supported": list(dpop.ALGS),
        "code_challenge_methods_supported": list(pkce.METHODS),
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": list(SUBJECT_TYPES),
        "id_token_signing_alg_values_supported": list(config.keys.signing_algs),
        "userinfo_signing_alg_values_supported": list(config.keys.signing_algs),
        **_encryption(),
        "authorization_signing_alg_values_supported": list(config.keys.signing_algs),
        "require_pushed_authorization_requests": False,
        "acr_values_supported": list(ACR_VALUES),
        "prompt_values_supported": list(PROMPTS),
        "claim_types_supported": ["normal"],
        "claims_supported": _claims_supported(),
        "claims_parameter_supported": True,
        "display_values_supported": list(DISPLAYS),
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(ALL_SIGNING_ALGS),
        "require_signed_request_object": False,
        "request_uri_parameter_supported": False,
        "client_id_metadata_document_supported": config.registration.metadata_documents,
        "service_documentation": f"{config.issuer}/ui/swagger",
    }


def _encryption() -> dict[str, list[str]]:
    """OpenID Connect Discovery §3: how ID tokens and userinfo can be encrypted."""
    told: dict[str, list[str]] = {}
    for name in ENCRYPTED:
        told[f"{name}_encryption_alg_values_supported"] = list(KEY_MANAGEMENT)
        told[f"{name}_encryption_enc_values_supported"] = list(CONTENT_ENCRYPTION)
    return told


def _methods(config: AuthzConfig) -> list[str]:
    """The registry's methods, without those that no request could use here: who sees no certificate."""
    served = dict.fromkeys(METHODS)
    if not config.sees_client_certificates:
        served.pop(self_signed_tls_client_auth.METHOD.name)
    if not config.sees_client_certificates or config.client_trust_anchors_file is None:
        served.pop(tls_client_auth.METHOD.name)
    return list(served)


def _mtls_endpoint_aliases(config: AuthzConfig, served: Collection[str]) -> dict[str, Any]:
    """RFC 8705 §5: where clients with a certificate find the endpoints that they call themselves."""
    if config.tls is None:
        return {}
    called = {name: path for name, path in _PATHS.items() if name in _CALLED_BY_CLIENTS and path in served}
    return {"mtls_endpoint_aliases": {name: config.tls.public_url + path for name, path in called.items()}}


def metadata_endpoints(document: Mapping[str, Any], scopes: ScopeDirectory) -> list[Endpoint]:
    """Both well-known places; they answer the same document, with the scopes that exist now."""

    async def tell(_request: Request) -> Response:
        told = {**document, "scopes_supported": [entry.name for entry in await scopes.all()]}
        return JSONResponse(told, headers={"cache-control": "public, max-age=300", "access-control-allow-origin": "*"})

    reply = Reply(200, "The metadata", dict[str, Any], headers=("Cache-Control",))
    oauth = Operation("GET", "OAuth metadata", tell, replies=(reply,), section="RFC 8414 §3")
    openid = Operation("GET", "OpenID discovery", tell, replies=(reply,), section="OpenID Connect Discovery §4")
    return [
        Endpoint("/.well-known/oauth-authorization-server", (oauth,)),
        Endpoint("/.well-known/openid-configuration", (openid,)),
    ]


def _claims_supported() -> list[str]:
    """What ID tokens and userinfo carry."""
    userinfo = (claim for claims in SCOPE_CLAIMS.values() for claim in claims)
    return list(dict.fromkeys((*CLAIMS, *userinfo)))

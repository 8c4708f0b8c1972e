"""The composition root: one table of endpoints, and the ASGI application around it."""

from dataclasses import dataclass

from starlette.routing import Router
from starlette.types import ASGIApp

from tessera_rs.config import RsConfig
from tessera_rs.endpoints.resources import resource_endpoint
from tessera_rs.metadata import metadata_endpoint
from tessera_rs.protocol.bearer_token import resources
from tessera_rs.protocol.step_up import StepUp
from tessera_shared import access_token
from tessera_shared.access_token import AccessTokenVerifier, Fallback
from tessera_shared.dpop import ProofVerifier
from tessera_shared.http.access import Access
from tessera_shared.http.exchange import Exchange
from tessera_shared.http.headers import parse_networks
from tessera_shared.http.health import health_endpoint
from tessera_shared.http.openapi import routes
from tessera_shared.http.openapi_document import document_endpoints
from tessera_shared.http.public_url import PublicUrl
from tessera_shared.jose.jwks_client import JwksClient
from tessera_shared.jose.jwt import Expectation
from tessera_shared.metrics import Metrics
from tessera_shared.revocation.view import RevocationView
from tessera_shared.tracing import Traces

TITLE = "Tessera Resource Server"
DESCRIPTION = "Protected resources that validate RFC 9068 access tokens by themselves."


@dataclass(frozen=True, slots=True)
class Parts:
    """What lives as long as the service.

    Attributes:
        keys: The issuer's keys, followed in the background.
        revocations: What was revoked, followed in the background.
        proofs: Verifies DPoP proofs.
        fallback: Who is asked while revocations cannot be known; without it such requests are refused.
        metrics: What is counted.
        traces: What is traced.

    """

    keys: JwksClient
    revocations: RevocationView
    proofs: ProofVerifier
    fallback: Fallback | None
    metrics: Metrics
    traces: Traces


def build(config: RsConfig, parts: Parts) -> ASGIApp:
    """Build the application.

    Raises:
        StartupError: The OpenAPI document cannot be made.

    """
    expectation = Expectation(
        typ=access_token.TYP,
        algorithms=config.access_token_algs,
        issuer=config.issuer,
        audiences=config.audiences,
        required=access_token.REQUIRED,
        tolerance=config.tolerance,
    )
    fallback = parts.fallback
    verifier = AccessTokenVerifier(parts.keys, parts.revocations, expectation, fallback or access_token.refuse)
    access = Access(verifier, parts.proofs, config.public_urls)

    async def keys_are_known() -> bool:
        return parts.keys.has_keys

    async def revocations_can_be_known() -> bool:
        return fallback is not None or parts.revocations.is_current()

    protected = resources(StepUp(config.sensitive.max_age_seconds, config.sensitive.acr_values))
    endpoints = [
        *(resource_endpoint(resource, access, PublicUrl(config.public_url, config.tls)) for resource in protected),
        metadata_endpoint(config, protected),
        health_endpoint({"keys": keys_are_known, "revocations": revocations_can_be_known}),
    ]
    endpoints += document_endpoints(TITLE, DESCRIPTION, endpoints)
    router = Router(routes(endpoints), redirect_slashes=False)
    proxies, certificate_proxies = config.trusted_proxies, config.client_certificate_proxies
    return Exchange(router, parse_networks(proxies), parse_networks(certificate_proxies), parts.metrics, parts.traces)

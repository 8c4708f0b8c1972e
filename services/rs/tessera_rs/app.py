"""The composition root: one table of endpoints, and the ASGI application around it."""

from starlette.routing import Router
from starlette.types import ASGIApp

from tessera_rs.config import RsConfig
from tessera_rs.endpoints.resources import resource_endpoint
from tessera_rs.metadata import WELL_KNOWN, metadata, metadata_endpoint
from tessera_rs.protocol.bearer_token import resources
from tessera_rs.protocol.step_up import StepUp
from tessera_shared import access_token
from tessera_shared.access_token import AccessTokenVerifier, Fallback
from tessera_shared.http.exchange import Exchange
from tessera_shared.http.headers import parse_networks
from tessera_shared.http.health import health_endpoint
from tessera_shared.http.openapi import document_endpoints, routes
from tessera_shared.jose.jwks_client import JwksClient
from tessera_shared.jose.jwt import Expectation
from tessera_shared.revocation.view import RevocationView

TITLE = "Tessera Resource Server"
DESCRIPTION = "Protected resources that validate RFC 9068 access tokens by themselves."


def build(config: RsConfig, keys: JwksClient, revocations: RevocationView, fallback: Fallback | None) -> ASGIApp:
    """Build the application.

    Args:
        config: The checked configuration.
        keys: The issuer's keys, followed in the background.
        revocations: What was revoked, followed in the background.
        fallback: Who is asked while revocations cannot be known; without it such requests are refused.

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
    verifier = AccessTokenVerifier(keys, revocations, expectation, fallback or access_token.refuse)

    async def keys_are_known() -> bool:
        return keys.has_keys

    async def revocations_can_be_known() -> bool:
        return fallback is not None or revocations.is_current()

    protected = resources(StepUp(config.sensitive.max_age_seconds, config.sensitive.acr_values))
    endpoints = [
        *(resource_endpoint(resource, verifier, config.public_url + WELL_KNOWN) for resource in protected),
        metadata_endpoint(metadata(config, protected)),
        health_endpoint({"keys": keys_are_known, "revocations": revocations_can_be_known}),
    ]
    endpoints += document_endpoints(TITLE, DESCRIPTION, endpoints)
    router = Router(routes(endpoints), redirect_slashes=False)
    proxies, certificate_proxies = config.trusted_proxies, config.client_certificate_proxies
    return Exchange(router, parse_networks(proxies), parse_networks(certificate_proxies))

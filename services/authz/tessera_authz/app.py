"""The composition root: builds every object once, and holds the one route table."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.routing import Router
from starlette.types import ASGIApp

from tessera_authz.client_auth import ClientAuthenticator
from tessera_authz.client_auth.client_assertion import AssertionVerifier
from tessera_authz.client_auth.method import Verifiers
from tessera_authz.client_auth.secret_verifier import SecretVerifier
from tessera_authz.client_registry import ClientRegistry
from tessera_authz.config import AuthzConfig
from tessera_authz.endpoints.authorization_answer import AuthorizationAnswer
from tessera_authz.endpoints.authorize import AuthorizationEndpoint, AuthorizationLifetimes, request_parameters
from tessera_authz.endpoints.browser import BrowserCookie
from tessera_authz.endpoints.client_information import Served
from tessera_authz.endpoints.hand_over import HandOver
from tessera_authz.endpoints.introspect import IntrospectionEndpoint
from tessera_authz.endpoints.jwks import JwksEndpoint
from tessera_authz.endpoints.manage_client import ManagementEndpoint
from tessera_authz.endpoints.par import PushedRequestEndpoint
from tessera_authz.endpoints.possession import Possession
from tessera_authz.endpoints.presented_token import TokenFinder
from tessera_authz.endpoints.register import RegistrationEndpoint
from tessera_authz.endpoints.request_object_reader import RequestObjectReader
from tessera_authz.endpoints.request_reader import RequestReader
from tessera_authz.endpoints.revoke import RevocationEndpoint
from tessera_authz.endpoints.rotate_secret import RotationEndpoint
from tessera_authz.endpoints.token import TOKEN_PATH, TokenEndpoint
from tessera_authz.limits import Limits
from tessera_authz.metadata import metadata, metadata_endpoints
from tessera_authz.protocol.authorization_request import Supported
from tessera_authz.protocol.client_assertion import Expected
from tessera_authz.registration_settings import registry_rules, supported_metadata
from tessera_authz.response_modes import RESPONSE_MODES
from tessera_authz.store.clients import ClientDirectory
from tessera_authz.store.grants import GrantStore
from tessera_authz.store.pushed_requests import PushedRequestStore
from tessera_authz.store.requests import RequestStore
from tessera_authz.store.scopes import ScopeDirectory
from tessera_authz.store.user_claims import UserClaimsStore
from tessera_authz.tokens.id_token_encryption import IdTokenEncryption
from tessera_authz.tokens.issue import TokenIssuer, Told
from tessera_authz.tokens.revoke import GrantRevoker
from tessera_authz.tokens.signer import Signer
from tessera_shared.access_token import REQUIRED, TYP, AccessTokenVerifier
from tessera_shared.client_keys import ClientKeys
from tessera_shared.db import Database
from tessera_shared.dpop import ProofVerifier
from tessera_shared.fetch import Fetcher
from tessera_shared.http.allow_list import only_from
from tessera_shared.http.exchange import Exchange
from tessera_shared.http.headers import parse_networks
from tessera_shared.http.health import database_check, health_endpoint
from tessera_shared.http.openapi import Endpoint, routes
from tessera_shared.http.openapi_document import document_endpoints
from tessera_shared.http.pages import Pages, load_pages
from tessera_shared.http.public_url import PublicUrl
from tessera_shared.jose.algorithms import ASYMMETRIC_SIGNING
from tessera_shared.jose.jwt import Expectation, VerifiedClaims
from tessera_shared.keystore.live import LiveRing
from tessera_shared.metrics import Metrics
from tessera_shared.mutual_tls.anchors import Anchors
from tessera_shared.pairwise import Subjects
from tessera_shared.redis import Redis
from tessera_shared.replay import ReplayMemory
from tessera_shared.revocation.view import RevocationView
from tessera_shared.secret_sealer import SecretSealer
from tessera_shared.throttle import Throttle, throttled
from tessera_shared.tracing import Traces

DESCRIPTION = "Tessera's authorization server: OAuth 2.1 and OpenID Connect."


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the service is built of, made at start in this order."""

    config: AuthzConfig
    database: Database
    ring: LiveRing
    redis: Redis
    secrets: SecretVerifier
    sealer: SecretSealer
    directory: ClientDirectory
    scopes: ScopeDirectory
    revocations: RevocationView
    replay: ReplayMemory
    proofs: ProofVerifier
    fetcher: Fetcher
    anchors: Anchors
    subjects: Subjects
    metrics: Metrics
    traces: Traces


def build(rooms: Rooms) -> ASGIApp:
    """The application: routes inside the exchange.

    Raises:
        StartupError: Pages or the OpenAPI document cannot be made.

    """
    pages = load_pages("tessera_authz", branding=rooms.config.branding)
    endpoints = _endpoints(rooms, pages)
    endpoints += metadata_endpoints(metadata(rooms.config, endpoints), rooms.scopes)
    endpoints += document_endpoints("Tessera Authorization Server", DESCRIPTION, endpoints)
    router = Router(routes(endpoints), redirect_slashes=False)
    proxies, certificate_proxies = rooms.config.trusted_proxies, rooms.config.client_certificate_proxies
    return Exchange(router, parse_networks(proxies), parse_networks(certificate_proxies), rooms.metrics, rooms.traces)


def _endpoints(rooms: Rooms, pages: Pages) -> list[Endpoint]:
    config, lifetimes = rooms.config, rooms.config.lifetimes
    grants = GrantStore(rooms.database)
    client_keys = ClientKeys(rooms.fetcher)
    assertions = _assertion_verifier(rooms, client_keys)
    verifiers = Verifiers(rooms.secrets, rooms.sealer, assertions, client_keys, rooms.anchors)
    limits = Limits(Throttle(rooms.redis, throttled(rooms.metrics)), config.limits)
    authenticator = ClientAuthenticator(PublicUrl(config.issuer, config.tls), rooms.directory, verifiers, limits)
    revoker = GrantRevoker(rooms.database, grants, rooms.revocations, rooms.redis, lifetimes.revocation)
    finder = TokenFinder(_own_verifier(rooms), grants)
    signer = Signer(rooms.ring, config.keys.access_token_alg, config.keys.id_token_alg)
    pushed = PushedRequestStore(rooms.database)
    reader = RequestReader(
        Supported(RESPONSE_MODES, config.resources),
        rooms.scopes,
        pushed,
        RequestObjectReader(config.issuer, client_keys, config.clock_tolerance_seconds),
        rooms.ring,
        rooms.subjects,
        config.issuer,
    )
    issued = rooms.metrics.counter("tokens_issued", "Answers of the token endpoint.", "grant_type", "outcome")
    authorize = AuthorizationEndpoint(
        hand_over=HandOver(config.idp_url, rooms.ring, rooms.scopes),
        reader=reader,
        cookie=BrowserCookie(config.cookies_secure, timedelta(minutes=lifetimes.authorization_request_minutes)),
        directory=rooms.directory,
        requests=RequestStore(rooms.database),
        limits=limits,
        pushed=pushed,
        grants=grants,
        ring=rooms.ring,
        answer=AuthorizationAnswer(config.issuer, pages, signer),
        lifetimes=AuthorizationLifetimes(
            request=timedelta(minutes=lifetimes.authorization_request_minutes),
            code=timedelta(seconds=lifetimes.code_seconds),
            grant=timedelta(days=lifetimes.grant_days),
        ),
    )
    refresh_grace = timedelta(seconds=lifetimes.refresh_grace_seconds)
    told = Told(
        UserClaimsStore(rooms.database),
        rooms.subjects,
        IdTokenEncryption(client_keys, rooms.sealer, rooms.directory),
    )
    issuer = TokenIssuer(config, signer, grants, told)
    possession = Possession(rooms.proofs, config.public_urls)
    return [
        *authorize.endpoints(),
        TokenEndpoint(
            authenticator, possession, grants, issuer, revoker, refresh_grace, config.resources, issued
        ).endpoint(),
        *only_from(
            config.allowed_networks.introspection,
            [IntrospectionEndpoint(authenticator, rooms.directory, finder, rooms.subjects, config.issuer).endpoint()],
        ),
        RevocationEndpoint(authenticator, finder, revoker).endpoint(),
        PushedRequestEndpoint(
            authenticator, limits, possession, reader, pushed, timedelta(seconds=lifetimes.pushed_request_seconds)
        ).endpoint(request_parameters("form")),
        *only_from(config.allowed_networks.registration, _registration_endpoints(rooms, authenticator, revoker)),
        JwksEndpoint(rooms.ring).endpoint(),
        health_endpoint({"database": database_check(rooms.database)}),
        *pages.endpoints(),
    ]


def _registration_endpoints(rooms: Rooms, authenticator: ClientAuthenticator, revoker: GrantRevoker) -> list[Endpoint]:
    config = rooms.config
    served = Served(config.issuer, supported_metadata(config), config.registration.max_metadata_bytes, rooms.fetcher)
    registry = ClientRegistry(rooms.database, revoker, registry_rules(config), rooms.sealer.seal)
    manage = ManagementEndpoint(served, rooms.database, registry, rooms.scopes, rooms.directory, rooms.secrets)
    rotate = RotationEndpoint(authenticator, rooms.database, registry, registry.rules.secret_grace)
    endpoints = [manage.endpoint(), rotate.endpoint()]
    if config.registration.mode != "off":
        register = RegistrationEndpoint(
            served,
            rooms.database,
            registry,
            rooms.scopes,
            is_open=config.registration.mode == "open",
            profile=config.registration.profile,
            grant_types=config.registration.grant_types,
        )
        endpoints.insert(0, register.endpoint())
    return endpoints


def _assertion_verifier(rooms: Rooms, keys: ClientKeys) -> AssertionVerifier:
    """Verifies clients' assertions (RFC 7523)."""
    config = rooms.config
    token_endpoint = config.issuer + TOKEN_PATH
    expected = Expected(
        config.issuer, token_endpoint, config.clock_tolerance, timedelta(minutes=config.assertion_minutes)
    )
    return AssertionVerifier(expected, keys, rooms.replay)


def _own_verifier(rooms: Rooms) -> AccessTokenVerifier:
    """Verifies this server's own access tokens; when the view is not current, the database itself is asked."""

    async def is_unlisted(_token: str, claims: VerifiedClaims) -> bool:
        return not await rooms.revocations.is_listed(claims)

    issuer = rooms.config.issuer
    # whoever signed the token reads the same clock: no tolerance. The audience is whoever it was issued for.
    audiences = (issuer, *rooms.config.resources)
    expectation = Expectation(TYP, ASYMMETRIC_SIGNING, issuer, audiences, REQUIRED, tolerance=timedelta(0))
    return AccessTokenVerifier(rooms.ring, rooms.revocations, expectation, is_unlisted)

"""What registration checks metadata against, made from the registries that serve requests, and its limits."""

from dataclasses import replace
from datetime import timedelta

from tessera_authz.client_auth import METHODS
from tessera_authz.client_documents import DocumentRules
from tessera_authz.client_registry import RegistryRules
from tessera_authz.config import AuthzConfig
from tessera_authz.grants import GRANTS
from tessera_authz.protocol.authorization_request import RESPONSE_TYPES
from tessera_authz.protocol.client_metadata import SECRET_METHODS, Supported
from tessera_authz.protocol.profiles import ALL_SIGNING_ALGS
from tessera_authz.protocol.registration_policy import Bounds
from tessera_authz.protocol.response_encryption import ALGS, ENCS
from tessera_authz.store import scopes
from tessera_authz.store.scopes import ScopeDirectory

_SECRET_ALGS = ("HS256", "HS384", "HS512")


def supported_metadata(config: AuthzConfig) -> Supported:
    """What the server serves, without the scopes, which change at run time."""
    return Supported(
        auth_methods=tuple(METHODS),
        default_auth_method="client_secret_basic",
        grant_types=tuple(GRANTS),
        response_types=RESPONSE_TYPES,
        default_scope=(),
        algs={
            "token_endpoint_auth_signing_alg": (*ALL_SIGNING_ALGS, *_SECRET_ALGS),
            "request_object_signing_alg": ALL_SIGNING_ALGS,
            "authorization_signed_response_alg": config.keys.signing_algs,
            "id_token_signed_response_alg": config.keys.signing_algs,
            "userinfo_signed_response_alg": config.keys.signing_algs,
            **ALGS,
            **ENCS,
        },
        fetched_by_http=config.fetch.allowed_hosts,
    )


def document_rules(config: AuthzConfig, directory: ScopeDirectory) -> DocumentRules:
    """What is taken of client ID metadata documents: the code flow, no shared secret, open scopes."""
    supported = supported_metadata(config)
    methods = tuple(name for name in supported.auth_methods if name not in SECRET_METHODS)
    grant_types = tuple(name for name in config.registration.grant_types if name != "client_credentials")

    async def bounds() -> Bounds:
        return Bounds(scopes.names(await directory.all(), opened=True), grant_types, config.registration.profile)

    return DocumentRules(
        replace(supported, auth_methods=methods, default_auth_method="none"),
        frozenset(config.fetch.allowed_hosts),
        config.registration.per_hour,
        bounds,
    )


def registry_rules(config: AuthzConfig) -> RegistryRules:
    """How many and how long, as configured."""
    return RegistryRules(
        per_source_per_hour=config.registration.per_source_per_hour,
        per_hour=config.registration.per_hour,
        secret_lifetime=config.secrets.lifetime,
        secret_grace=timedelta(hours=config.secrets.grace_hours),
        max_secrets=config.secrets.max_valid,
    )

"""What registration checks metadata against, made from the registries that serve requests, and its limits."""

from datetime import timedelta

from tessera_authz.client_auth import METHODS
from tessera_authz.client_registry import RegistryRules
from tessera_authz.config import AuthzConfig
from tessera_authz.grants import GRANTS
from tessera_authz.protocol.authorization_request import RESPONSE_TYPES
from tessera_authz.protocol.client_metadata import Supported
from tessera_authz.protocol.profiles import ALL_SIGNING_ALGS

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
        },
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

"""Scopes and clients of the configuration: made at the first start, left alone later."""

from tessera_authz.client_auth import client_secret_jwt
from tessera_authz.client_auth.secret_verifier import SecretVerifier
from tessera_authz.config import AuthzConfig, BootstrapClient
from tessera_authz.protocol.response_encryption import check_encryption
from tessera_authz.protocol.subject_identifier import check_sector
from tessera_authz.store import clients, scopes
from tessera_authz.store.clients import ClientSecret
from tessera_authz.store.scopes import ScopeEntry
from tessera_shared import clock, logging
from tessera_shared.db import Database
from tessera_shared.errors import OAuthError, StartupError
from tessera_shared.scope import parse
from tessera_shared.secret_sealer import SecretSealer


async def make_bootstrap_scopes(config: AuthzConfig, database: Database) -> None:
    """Make the configured scopes that are not there yet."""
    for scope in config.bootstrap_scopes:
        entry = ScopeEntry(scope.name, scope.title, scope.detail, scope.default, scope.open, scope.acr)
        async with database.transaction() as tx:
            made = await scopes.add(tx, entry, clock.now())
        if made:
            logging.get().info("bootstrap scope created", scope=scope.name)


async def make_bootstrap_clients(
    config: AuthzConfig, database: Database, secrets: SecretVerifier, sealer: SecretSealer
) -> None:
    """Make the configured clients that are not there yet; a client that is there is left alone.

    Raises:
        StartupError: A new client's scope names a token that no scope has, its secret is too short, it is pairwise
            without a sector, or there is nothing to encrypt with.

    """
    for bootstrap in config.bootstrap_clients:
        _check_metadata(bootstrap)
        secret = await _to_stored(bootstrap, secrets, sealer)
        async with database.transaction() as tx:
            made = await clients.add(tx, bootstrap.client_id, bootstrap.metadata, secret, clock.now())
            if made:
                known = scopes.names(await scopes.load(tx))
                _check_scope(bootstrap.client_id, bootstrap.metadata.get("scope", ""), known)
        if made:
            logging.get().info("bootstrap client created", client_id=bootstrap.client_id)


async def _to_stored(bootstrap: BootstrapClient, secrets: SecretVerifier, sealer: SecretSealer) -> ClientSecret | None:
    """What is stored of a configured secret: its hash, and for client_secret_jwt the sealed secret too."""
    secret = bootstrap.client_secret
    if secret is None:
        return None
    is_read = bootstrap.metadata.get("token_endpoint_auth_method") == client_secret_jwt.METHOD.name
    if is_read and len(secret.encode()) < client_secret_jwt.MIN_SECRET_BYTES:
        raise StartupError(
            f"configuration: the secret of {bootstrap.client_id} is shorter than the "
            f"{client_secret_jwt.MIN_SECRET_BYTES} bytes that client_secret_jwt needs (RFC 7518 §3.2)"
        )
    sealed = sealer.seal(bootstrap.client_id, secret) if is_read else None
    return ClientSecret(await secrets.hash(secret), None, sealed)


def _check_metadata(bootstrap: BootstrapClient) -> None:
    try:
        check_sector(bootstrap.metadata)
        check_encryption(bootstrap.metadata)
    except OAuthError as error:
        raise StartupError(f"configuration: bootstrap client {bootstrap.client_id}: {error.description}") from error


def _check_scope(client_id: str, scope: str, known: tuple[str, ...]) -> None:
    try:
        unknown = [token for token in parse(scope) if token not in known]
    except OAuthError as error:
        raise StartupError(f"configuration: bootstrap client {client_id}: {error.description}") from error
    if unknown:
        raise StartupError(
            f"configuration: bootstrap client {client_id}: no scope {unknown[0]}; name it in bootstrap_scopes"
        )

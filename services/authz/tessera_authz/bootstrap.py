"""Scopes and clients of the configuration: made at the first start, left alone later."""

from tessera_authz.client_auth.secret_verifier import SecretVerifier
from tessera_authz.config import AuthzConfig
from tessera_authz.store import clients, scopes
from tessera_authz.store.scopes import ScopeEntry
from tessera_shared import clock, logging
from tessera_shared.db import Database
from tessera_shared.errors import OAuthError, StartupError
from tessera_shared.scope import parse


async def make_bootstrap_scopes(config: AuthzConfig, database: Database) -> None:
    """Make the configured scopes that are not there yet."""
    for scope in config.bootstrap_scopes:
        entry = ScopeEntry(scope.name, scope.title, scope.detail, scope.default, scope.open)
        async with database.transaction() as tx:
            made = await scopes.add(tx, entry, clock.now())
        if made:
            logging.get().info("bootstrap scope created", scope=scope.name)


async def make_bootstrap_clients(config: AuthzConfig, database: Database, secrets: SecretVerifier) -> None:
    """Make the configured clients that are not there yet; a client that is there is left alone.

    Raises:
        StartupError: A new client's scope names a token that no scope has.

    """
    for bootstrap in config.bootstrap_clients:
        hashed = None if bootstrap.client_secret is None else await secrets.hash(bootstrap.client_secret)
        async with database.transaction() as tx:
            made = await clients.add(tx, bootstrap.client_id, bootstrap.metadata, hashed, clock.now())
            if made:
                known = scopes.names(await scopes.load(tx))
                _check_scope(bootstrap.client_id, bootstrap.metadata.get("scope", ""), known)
        if made:
            logging.get().info("bootstrap client created", client_id=bootstrap.client_id)


def _check_scope(client_id: str, scope: str, known: tuple[str, ...]) -> None:
    try:
        unknown = [token for token in parse(scope) if token not in known]
    except OAuthError as error:
        raise StartupError(f"configuration: bootstrap client {client_id}: {error.description}") from error
    if unknown:
        raise StartupError(
            f"configuration: bootstrap client {client_id}: no scope {unknown[0]}; name it in bootstrap_scopes"
        )

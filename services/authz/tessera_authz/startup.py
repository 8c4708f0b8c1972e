"""Start-up as one straight line: configuration, log, database, schema, keys, Redis, clients, routes, port."""

from datetime import timedelta
from pathlib import Path

from tessera_authz.app import Rooms, build
from tessera_authz.client_auth import client_secret_jwt
from tessera_authz.client_auth.secret_sealer import SecretSealer
from tessera_authz.client_auth.secret_verifier import SecretVerifier
from tessera_authz.config import AuthzConfig, BootstrapClient
from tessera_authz.store import clients
from tessera_authz.store.clients import ClientDirectory, ClientSecret
from tessera_authz.store.grants import GrantStore
from tessera_authz.store.pushed_requests import PushedRequestStore
from tessera_authz.store.requests import RequestStore
from tessera_shared import clock, db, logging, redis, schema
from tessera_shared.config import load
from tessera_shared.db import Database
from tessera_shared.dpop import Nonces, ProofVerifier
from tessera_shared.errors import StartupError, Unavailable
from tessera_shared.fetch import Fetcher
from tessera_shared.http.server import open_port, serve
from tessera_shared.http.tls_port import open_tls_port
from tessera_shared.keystore.live import LiveRing
from tessera_shared.keystore.publication import publish
from tessera_shared.keystore.ring import KeyRing
from tessera_shared.keystore.rotation import RotationPolicy, rotate
from tessera_shared.keystore.store import KeyStore
from tessera_shared.launch import Background
from tessera_shared.mutual_tls.anchors import load_anchors
from tessera_shared.redis import Redis
from tessera_shared.replay import ReplayMemory
from tessera_shared.revocation import durable
from tessera_shared.revocation.view import RevocationView
from tessera_shared.sealed import derive_key, load_master_key

_KEYS_SECONDS = 30
_PURGE_SECONDS = 300
_PURGE_JTI_SECONDS = 60
_PUSHED_KEPT = timedelta(hours=1)
"""How long an expired pushed request stays: its user may still be on the way, and it must not be used twice."""


async def run(path: Path) -> None:
    """Start, serve until told to stop, and stop.

    Raises:
        StartupError: Says in one line what keeps the service from starting.

    """
    config = load(AuthzConfig, path, "TESSERA_AUTHZ_")
    logging.configure(config.log, "authz")
    database = await db.connect(config.database)
    background = Background()
    try:
        await schema.check_version(database)
        master_key = load_master_key(config.keys.master_key_file)
        ring = await _open_ring(config, database, master_key)
        broker = await redis.connect(config.redis)
        secrets, sealer = SecretVerifier(config.secret_hash_workers), SecretSealer(master_key)
        await _make_bootstrap_clients(config, database, secrets, sealer)
        directory = ClientDirectory(database, secrets.forget)
        revocations = RevocationView(database, broker)
        await revocations.load()
        replay = ReplayMemory(database, broker)
        fetcher = Fetcher(config.fetch)
        anchors = load_anchors(config.client_trust_anchors_file)
        proofs = _proof_verifier(config, master_key, replay)
        rooms = Rooms(
            config=config,
            database=database,
            ring=ring,
            redis=broker,
            secrets=secrets,
            sealer=sealer,
            directory=directory,
            revocations=revocations,
            replay=replay,
            proofs=proofs,
            fetcher=fetcher,
            anchors=anchors,
        )
        app = build(rooms)
        port = open_port(config.listen)
        tls = await open_tls_port(config.tls, anchors, database, background)
        background.start("client changes", directory.follow_changes)
        background.start("revocations", revocations.follow)
        background.every("keys", _KEYS_SECONDS, lambda: _keep_keys(ring, broker))
        background.every("purge", _PURGE_SECONDS, lambda: _purge(config, database))
        background.every("used jti", _PURGE_JTI_SECONDS, lambda: replay.purge(clock.now()))
        await _publish(ring, broker)
        await serve(app, port, tls)
        secrets.close()
        await fetcher.close()
        await broker.close()
    finally:
        await background.stop()
        await database.close()


async def _open_ring(config: AuthzConfig, database: Database, master_key: bytes) -> LiveRing:
    """The key ring, with every key that it needs now; made here if this is the first start."""
    keys = config.keys
    store = KeyStore(database, master_key)
    policy = RotationPolicy(
        algorithms=(*keys.signing_algs, "A256GCM"),
        period=timedelta(days=keys.period_days),
        announce=timedelta(hours=keys.announce_hours),
        overlap=timedelta(hours=keys.overlap_hours),
    )

    async def load_rotated() -> KeyRing:
        return await rotate(database, store, policy, clock.now())

    return LiveRing(await load_rotated(), load_rotated)


def _proof_verifier(config: AuthzConfig, master_key: bytes, replay: ReplayMemory) -> ProofVerifier:
    """Verifies DPoP proofs (RFC 9449); every replica makes the same nonces."""
    nonces = Nonces(derive_key(master_key, b"tessera authz dpop nonces"))
    return ProofVerifier(nonces, replay, config.clock_tolerance, config.dpop.require_nonce)


async def _make_bootstrap_clients(
    config: AuthzConfig, database: Database, secrets: SecretVerifier, sealer: SecretSealer
) -> None:
    """Make the configured clients that are not there yet; a client that is there is left alone."""
    for bootstrap in config.bootstrap_clients:
        secret = await _to_stored(bootstrap, secrets, sealer)
        async with database.transaction() as tx:
            made = await clients.add(tx, bootstrap.client_id, bootstrap.metadata, secret, clock.now())
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


async def _keep_keys(ring: LiveRing, broker: Redis) -> None:
    await ring.reload()
    await _publish(ring, broker)


async def _publish(ring: LiveRing, broker: Redis) -> None:
    try:
        await publish(broker, ring.current.public_jwks(clock.now()))
    except Unavailable as error:
        logging.get().warning("keys not published to redis; verifiers fetch them by HTTP", reason=str(error))


async def _purge(config: AuthzConfig, database: Database) -> None:
    now = clock.now()
    grace = timedelta(seconds=config.lifetimes.refresh_grace_seconds)
    await RequestStore(database).purge(now)
    await GrantStore(database).purge(now - grace, now)
    await PushedRequestStore(database).purge(now - _PUSHED_KEPT)
    await durable.purge(database, now)

"""Start-up as one straight line: configuration, log, database, schema, keys, Redis, clients, routes, port."""

from datetime import timedelta
from pathlib import Path

from tessera_authz.app import Rooms, build
from tessera_authz.backchannel_logout import BackchannelLogout, Effort
from tessera_authz.bootstrap import make_bootstrap_clients, make_bootstrap_scopes
from tessera_authz.client_auth.secret_verifier import SecretVerifier
from tessera_authz.client_documents import ClientDocuments
from tessera_authz.config import AuthzConfig
from tessera_authz.registration_settings import document_rules
from tessera_authz.store import access_token_lifetimes, client_secrets, initial_access_tokens, registration
from tessera_authz.store.clients import ClientDirectory, Renew
from tessera_authz.store.grants import GrantStore
from tessera_authz.store.logout_deliveries import LogoutDeliveryStore
from tessera_authz.store.pushed_requests import PushedRequestStore
from tessera_authz.store.requests import RequestStore
from tessera_authz.store.scopes import ScopeDirectory
from tessera_authz.tokens.signer import Signer
from tessera_shared import audit, clock, db, logging, redis, schema
from tessera_shared.argon2id import Argon2id
from tessera_shared.audit import Actor, Event
from tessera_shared.config import load
from tessera_shared.db import Database
from tessera_shared.dpop import Nonces, ProofVerifier
from tessera_shared.errors import Unavailable
from tessera_shared.fetch import Fetcher
from tessera_shared.gauges import watch_database, watch_keys, watch_revocations
from tessera_shared.http.metrics_port import open_metrics_port
from tessera_shared.http.server import open_port, serve
from tessera_shared.http.tls_port import open_tls_port
from tessera_shared.keystore.live import LiveRing
from tessera_shared.keystore.publication import publish
from tessera_shared.keystore.ring import KeyRing
from tessera_shared.keystore.rotation import RotationPolicy, rotate
from tessera_shared.keystore.store import KeyStore
from tessera_shared.keystore.subject_key import ensure_subject_key
from tessera_shared.launch import Background
from tessera_shared.metrics import Metrics
from tessera_shared.mutual_tls.anchors import load_anchors
from tessera_shared.pairwise import Subjects
from tessera_shared.redis import Redis
from tessera_shared.replay import ReplayMemory
from tessera_shared.revocation import durable
from tessera_shared.revocation.view import RevocationView
from tessera_shared.rotating_key import RotatingKey, load_master_key
from tessera_shared.secret_sealer import SecretSealer
from tessera_shared.tracing import open_traces

_KEYS_SECONDS = 30
_USES_SECONDS = 60
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
    traces = open_traces(config.tracing, "authz")
    database = await db.connect(config.database, traces)
    background = Background()
    try:
        await schema.check_version(database)
        master_key = load_master_key(config.keys.master_key_file, config.keys.further_master_key_files)
        subjects = Subjects(await ensure_subject_key(database, master_key))
        ring = await _open_ring(config, database, master_key)
        broker = await redis.connect(config.redis)
        argon2id = Argon2id(config.secret_hash_workers, config.secret_hash_queue)
        secrets, sealer = SecretVerifier(argon2id), SecretSealer(master_key)
        await _make_rows(config, database, secrets, sealer)
        fetcher, scopes = Fetcher(config.fetch, traces), ScopeDirectory(database)
        directory = ClientDirectory(database, secrets.forget, _renew(config, database, fetcher, scopes))
        revocations = RevocationView(database, broker)
        await revocations.load()
        replay = ReplayMemory(database, broker)
        anchors = load_anchors(config.client_trust_anchors_file)
        proofs = _proof_verifier(config, master_key, replay)
        metrics = _metrics(database, revocations, ring)
        rooms = Rooms(
            config=config,
            database=database,
            ring=ring,
            redis=broker,
            secrets=secrets,
            sealer=sealer,
            directory=directory,
            scopes=scopes,
            revocations=revocations,
            replay=replay,
            proofs=proofs,
            fetcher=fetcher,
            anchors=anchors,
            subjects=subjects,
            metrics=metrics,
            traces=traces,
        )
        logouts = _backchannel_logout(rooms)
        app = build(rooms)
        port = open_port(config.listen)
        side = open_metrics_port(config.metrics, metrics)
        tls = await open_tls_port(config.tls, anchors, database, background)
        background.start("client changes", directory.follow_changes)
        background.start("scope changes", scopes.follow_changes)
        background.start("key changes", lambda: ring.follow_changes(database))
        background.start("revocations", revocations.follow)
        background.start("back-channel logouts", logouts.deliver)
        background.every("keys", _KEYS_SECONDS, lambda: _keep_keys(ring, broker))
        background.every("client uses", _USES_SECONDS, lambda: _note_uses(directory, database))
        background.every("purge", _PURGE_SECONDS, lambda: _purge(config, database))
        background.every("used jti", _PURGE_JTI_SECONDS, lambda: replay.purge(clock.now()))
        await _publish(ring, broker)
        await serve(app, port, tls, side)
        await _note_uses(directory, database)
        argon2id.close()
        await fetcher.close()
        await logouts.fetcher.close()
        await broker.close()
    finally:
        await background.stop()
        await database.close()


async def _make_rows(config: AuthzConfig, database: Database, secrets: SecretVerifier, sealer: SecretSealer) -> None:
    """What must stand in the database before the port opens."""
    await access_token_lifetimes.tell(database, config.lifetimes.access_token_seconds, clock.now())
    await make_bootstrap_scopes(config, database)
    await make_bootstrap_clients(config, database, secrets, sealer)


def _metrics(database: Database, revocations: RevocationView, ring: LiveRing) -> Metrics:
    """What is counted, with what is read at each scrape."""
    metrics = Metrics()
    watch_database(metrics, database)
    watch_revocations(metrics, revocations)
    watch_keys(metrics, lambda: ring.current)
    return metrics


async def _open_ring(config: AuthzConfig, database: Database, master_key: RotatingKey) -> LiveRing:
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


def _proof_verifier(config: AuthzConfig, master_key: RotatingKey, replay: ReplayMemory) -> ProofVerifier:
    """Verifies DPoP proofs (RFC 9449); every replica makes the same nonces."""
    nonces = Nonces(master_key.derive(b"tessera authz dpop nonces"))
    return ProofVerifier(nonces, replay, config.clock_tolerance, config.dpop.require_nonce)


def _renew(config: AuthzConfig, database: Database, fetcher: Fetcher, scopes: ScopeDirectory) -> Renew | None:
    """What makes clients of metadata documents, where they are taken."""
    if not config.registration.metadata_documents:
        return None
    return ClientDocuments(database, fetcher, document_rules(config, scopes)).renew


def _backchannel_logout(rooms: Rooms) -> BackchannelLogout:
    """What tells clients that a session has ended."""
    config, settings = rooms.config, rooms.config.backchannel_logout
    return BackchannelLogout(
        database=rooms.database,
        deliveries=LogoutDeliveryStore(rooms.database),
        directory=rooms.directory,
        signer=Signer(rooms.ring, config.keys.access_token_alg, config.keys.id_token_alg),
        fetcher=Fetcher(config.fetch),
        subjects=rooms.subjects,
        issuer=config.issuer,
        effort=Effort(settings.attempts, timedelta(seconds=settings.first_retry_seconds), settings.parallel),
    )


async def _keep_keys(ring: LiveRing, broker: Redis) -> None:
    await ring.reload()
    await _publish(ring, broker)


async def _publish(ring: LiveRing, broker: Redis) -> None:
    try:
        await publish(broker, ring.current.public_jwks(clock.now()))
    except Unavailable as error:
        logging.get().warning("keys not published to redis; verifiers fetch them by HTTP", reason=str(error))


async def _note_uses(directory: ClientDirectory, database: Database) -> None:
    """Write down which clients were used; the ones that nobody uses are removed in the end."""
    if used := directory.take_uses():
        await registration.note_uses(database, used, clock.now())


async def _purge(config: AuthzConfig, database: Database) -> None:
    now = clock.now()
    grace = timedelta(seconds=config.lifetimes.refresh_grace_seconds)
    await RequestStore(database).purge(now)
    await GrantStore(database).purge(now - grace, now)
    await PushedRequestStore(database).purge(now - _PUSHED_KEPT)
    await LogoutDeliveryStore(database).purge(now - timedelta(days=config.backchannel_logout.record_days))
    await durable.purge(database, now)
    await access_token_lifetimes.tell(database, config.lifetimes.access_token_seconds, now)
    await client_secrets.purge(database, now)
    await initial_access_tokens.purge(database, now)
    async with database.transaction() as tx:
        unused = await registration.purge(tx, now - timedelta(days=config.registration.unused_days), now)
        for client_id in unused:
            await audit.record(tx, Actor("authz", "authz", "background"), Event("client.expired", client_id))

"""The start, as one straight line; what it opens is closed in the reverse order."""

from contextlib import AsyncExitStack
from pathlib import Path

from tessera_rs.app import Parts, build
from tessera_rs.config import RsConfig
from tessera_rs.introspection import IntrospectionClient
from tessera_shared import db, logging, redis
from tessera_shared.access_token import Fallback
from tessera_shared.config import load
from tessera_shared.dpop import Nonces, ProofVerifier
from tessera_shared.gauges import watch_database, watch_revocations
from tessera_shared.http.metrics_port import open_metrics_port
from tessera_shared.http.server import open_port, serve
from tessera_shared.http.tls_port import open_tls_port
from tessera_shared.jose.jwks_client import JwksClient
from tessera_shared.launch import Background
from tessera_shared.metrics import Metrics
from tessera_shared.mutual_tls.anchors import load_anchors
from tessera_shared.replay import ReplayMemory
from tessera_shared.revocation.view import RevocationView
from tessera_shared.rotating_key import RotatingKey
from tessera_shared.schema import check_version
from tessera_shared.sealed import load_key
from tessera_shared.tracing import open_traces


async def run(path: Path) -> None:
    """Configuration, log, database, schema, Redis, revocations, keys, routes, port; then serve until SIGTERM.

    Raises:
        StartupError: One of them cannot do its job.
        Unavailable: The database went away meanwhile.

    """
    config = load(RsConfig, path, "TESSERA_RS_")
    logging.configure(config.log, "rs")
    async with AsyncExitStack() as closing:
        traces = open_traces(config.tracing, "rs")
        database = await db.connect(config.database, traces)
        closing.push_async_callback(database.close)
        await check_version(database)
        redis_client = await redis.connect(config.redis)
        closing.push_async_callback(redis_client.close)
        revocations = RevocationView(database, redis_client)
        await revocations.load()
        keys = JwksClient(config.jwks_url, redis_client)
        closing.push_async_callback(keys.close)
        proofs = ProofVerifier(
            nonces=Nonces(RotatingKey(load_key(config.dpop.nonce_key_file, "nonce key"))),
            replay=ReplayMemory(database, redis_client),
            tolerance=config.tolerance,
            requires_nonce=config.dpop.require_nonce,
        )
        metrics = Metrics()
        watch_database(metrics, database)
        watch_revocations(metrics, revocations)
        app = build(config, Parts(keys, revocations, proofs, _fallback(config, closing), metrics, traces))
        background = Background()
        closing.push_async_callback(background.stop)
        port = open_port(config.listen)
        side = open_metrics_port(config.metrics, metrics)
        anchors = load_anchors(config.client_trust_anchors_file)
        tls = await open_tls_port(config.tls, anchors, database, background)
        background.start("keys", keys.follow)
        background.start("revocations", revocations.follow)
        await serve(app, port, tls, side)


def _fallback(config: RsConfig, closing: AsyncExitStack) -> Fallback | None:
    if config.revocation.when_unreachable == "refuse" or config.introspection is None:
        return None
    client = IntrospectionClient(config.introspection)
    closing.push_async_callback(client.close)
    return client.is_active

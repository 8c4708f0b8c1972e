"""The service's start, one straight line: whatever fails ends it with one clear line and status 1."""

from contextlib import AsyncExitStack
from pathlib import Path

from tessera_idp.app import build_app
from tessera_idp.config import PREFIX, IdpConfig
from tessera_idp.demo_user import ensure_demo_user
from tessera_idp.keys import follow_announcements, wait_for_keys
from tessera_idp.mail.delivery import Delivery, counted, load_server
from tessera_idp.parts import Parts, build_parts
from tessera_idp.store import links
from tessera_shared import clock, db, logging, redis, schema
from tessera_shared.config import load
from tessera_shared.gauges import watch_database, watch_keys, watch_revocations
from tessera_shared.http.metrics_port import open_metrics_port
from tessera_shared.http.server import open_port, serve
from tessera_shared.launch import Background
from tessera_shared.rotating_key import load_master_key
from tessera_shared.tracing import open_traces

_RELOAD_KEYS_SECONDS = 60
_PURGE_SECONDS = 300


async def run(path: Path) -> None:
    """Start, serve until a signal, stop.

    Raises:
        StartupError: Something the service needs is not there or not right.
        Unavailable: A store went away during the start.

    """
    config = load(IdpConfig, path, PREFIX)
    logging.configure(config.log, "idp")
    master_key = load_master_key(config.keys.master_key_file, config.keys.further_master_key_files)
    mail_server = load_server(config.mail)
    async with AsyncExitStack() as stack:
        traces = open_traces(config.tracing, "idp")
        database = await db.connect(config.database, traces)
        stack.push_async_callback(database.close)
        await schema.check_version(database)
        keys = await wait_for_keys(database, master_key, config.keys.id_token_alg, config.keys.wait_seconds)
        announcements = await redis.connect(config.redis)
        stack.push_async_callback(announcements.close)
        parts = build_parts(config, database, announcements, keys, traces)
        stack.push_async_callback(_close, parts)
        if config.demo:
            await ensure_demo_user(parts.users, parts.passwords)
        await parts.revocations.load()
        app = build_app(config, parts, master_key)
        watch(parts)
        port = open_port(config.listen)
        side = open_metrics_port(config.metrics, parts.metrics)
        background = start_background(parts, Delivery(database, parts.mailer, mail_server, counted(parts.metrics)))
        stack.push_async_callback(background.stop)
        await serve(app, port, side=side)


def watch(parts: Parts) -> None:
    """What is read at each scrape."""
    watch_database(parts.metrics, parts.database)
    watch_revocations(parts.metrics, parts.revocations)
    watch_keys(parts.metrics, lambda: parts.ring.current)


def start_background(parts: Parts, delivery: Delivery) -> Background:
    """The work beside the requests."""

    async def follow_keys() -> None:
        await follow_announcements(parts.ring, parts.redis)

    async def purge_sessions() -> None:
        await parts.sessions.purge(clock.now())
        await parts.logins.purge(clock.now())
        await parts.email_codes.store.purge(clock.now())
        await parts.devices.purge(clock.now())
        await links.purge(parts.database, clock.now())

    background = Background()
    background.start("revocations", parts.revocations.follow)
    background.start("keys", follow_keys)
    background.start("key changes", lambda: parts.ring.follow_changes(parts.database))
    background.start("mail", delivery.run)
    background.every("keys, from time to time", _RELOAD_KEYS_SECONDS, parts.ring.reload)
    background.every("purge of sessions, devices, codes and links", _PURGE_SECONDS, purge_sessions)
    return background


async def _close(parts: Parts) -> None:
    parts.passwords.close()
    await parts.metadata.close()
    await parts.fetcher.close()

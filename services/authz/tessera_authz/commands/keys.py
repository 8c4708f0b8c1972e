"""`keys`: the key ring; private parts are never shown."""

from datetime import timedelta
from typing import Annotated

import typer

from tessera_authz.commands.work import Work
from tessera_shared import audit, clock, logging
from tessera_shared.audit import Event
from tessera_shared.command_line import CommandError, Group, Result
from tessera_shared.errors import Unavailable
from tessera_shared.keystore.publication import publish
from tessera_shared.keystore.rotation import NewKey, rotate_now
from tessera_shared.keystore.store import KeyStore


async def list_keys(work: Work) -> Result:
    """List all keys that have not expired."""
    now = clock.now()
    ring = await KeyStore(work.database, work.master_key).load(now)
    return [
        {
            "kid": key.kid,
            "use": key.use,
            "alg": key.alg,
            "state": key.state(now).value,
            "active_from": key.active_from,
            "retired_at": key.retired_at,
            "expires_at": key.expires_at,
        }
        for key in ring.keys
    ]


async def rotate(
    work: Work,
    alg: Annotated[str, typer.Argument(help="Whose key is to be followed by a new one.")],
    *,
    at_once: Annotated[bool, typer.Option("--now", help="It signs at once, not after its announcement.")] = False,
) -> Result:
    """Make a new key for an algorithm; the old one goes on verifying."""
    if alg not in (*work.config.keys.signing_algs, "A256GCM"):
        raise CommandError(f"the ring has no {alg} keys; it has {', '.join(work.config.keys.signing_algs)}, A256GCM")
    keys, now = work.config.keys, clock.now()
    announce = timedelta(0) if at_once else timedelta(hours=keys.announce_hours)
    store = KeyStore(work.database, work.master_key)
    async with work.database.transaction() as tx:
        made = await rotate_now(tx, store, NewKey(alg, now + announce, None), timedelta(hours=keys.overlap_hours), now)
        if made is None:
            raise CommandError(f"the next {alg} key is announced already; --now lets it sign at once")
        await audit.record(tx, work.actor, Event("key.rotated", made.kid, details={"alg": alg}))
    await _publish(work)
    return {"kid": made.kid, "alg": alg, "active_from": made.active_from}


async def remove(work: Work, kid: str) -> Result:
    """Remove a key at once: nothing that it signed is accepted any more."""
    store = KeyStore(work.database, work.master_key)
    async with work.database.transaction() as tx:
        ring = await store.load_locked(tx, clock.now())
        if all(key.kid != kid for key in ring.keys):
            raise CommandError(f"there is no key {kid}")
        await store.remove(tx, kid)
        await audit.record(tx, work.actor, Event("key.removed", kid))
    await _publish(work)
    return {"removed": kid}


async def _publish(work: Work) -> None:
    now = clock.now()
    ring = await KeyStore(work.database, work.master_key).load(now)
    try:
        await publish(work.redis, ring.public_jwks(now))
    except Unavailable as error:
        logging.get().warning("keys not published to redis; verifiers fetch them by HTTP", reason=str(error))


GROUP = Group("The issuer's keys.", {"list": list_keys, "rotate": rotate, "remove": remove, "revoke": remove})

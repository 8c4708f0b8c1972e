"""Rotation: what a ring lacks now, decided by a pure function and carried out under a lock.

A key signs for `period`; its successor is published `announce` before it takes over, so that verifiers know it in time;
a retired key stays published for `overlap`, longer than any token it signed lives.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tessera_shared import logging
from tessera_shared.db import Database, Transaction
from tessera_shared.jose.algorithms import ALGORITHMS, generate
from tessera_shared.keystore.ring import KeyRing, KeyState, RingKey
from tessera_shared.keystore.store import KeyStore


@dataclass(frozen=True, slots=True)
class RotationPolicy:
    """Which algorithms the ring serves, and how long its keys live."""

    algorithms: tuple[str, ...]
    period: timedelta
    announce: timedelta
    overlap: timedelta


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made, and the key that it follows."""

    alg: str
    active_from: datetime
    replaces: RingKey | None


def missing_keys(ring: KeyRing, policy: RotationPolicy, now: datetime) -> list[NewKey]:
    """The keys that must be made now: a first one at once, a successor `announce` before its predecessor ends."""
    wanted = []
    for alg in policy.algorithms:
        keys = [key for key in ring.keys if key.alg == alg]
        if any(key.state(now) is KeyState.NEXT for key in keys):
            continue
        active = [key for key in keys if key.state(now) is KeyState.ACTIVE]
        if not active:
            wanted.append(NewKey(alg, now, None))
        elif (takes_over := active[0].active_from + policy.period) - policy.announce <= now:
            # after a long stop the period may be over already: the announcement still gets its time
            wanted.append(NewKey(alg, max(takes_over, now + policy.announce), active[0]))
    return wanted


async def rotate(database: Database, store: KeyStore, policy: RotationPolicy, now: datetime) -> KeyRing:
    """Make what the ring lacks and return the ring; of many replicas that start at once, one makes the keys."""
    ring = await store.load(now)
    if not missing_keys(ring, policy, now):
        return ring
    made = []
    async with database.transaction() as tx:
        ring = await store.load_locked(tx, now)
        for new in missing_keys(ring, policy, now):
            key = _make(new, now)
            await store.add(tx, key)
            if new.replaces is not None:
                await store.retire(tx, new.replaces.kid, new.active_from, new.active_from + policy.overlap)
            made.append(key)
        await store.purge(tx, now - policy.overlap)
    for key in made:
        logging.get().info("key made", kid=key.kid, use=key.use, alg=key.alg, active_from=key.active_from.isoformat())
    return await store.load(now)


async def rotate_now(
    tx: Transaction, store: KeyStore, new: NewKey, overlap: timedelta, now: datetime
) -> RingKey | None:
    """Make a key although the ring lacks none; every other key of its algorithm signs until it takes over.

    Returns:
        The key, or None where its successor is announced already and the new one would come no earlier.

    """
    ring = await store.load_locked(tx, now)
    others = [key for key in ring.keys if key.alg == new.alg]
    if new.active_from > now and any(key.state(now) is KeyState.NEXT for key in others):
        return None
    key = _make(new, now)
    await store.add(tx, key)
    for other in others:
        await store.retire_earlier(tx, other.kid, new.active_from, new.active_from + overlap)
    return key


def _make(new: NewKey, now: datetime) -> RingKey:
    key = generate(new.alg)
    return RingKey(
        kid=str(key.kid),
        use=ALGORITHMS[new.alg].use,
        alg=new.alg,
        key=key,
        created_at=now,
        active_from=new.active_from,
        retired_at=None,
        expires_at=None,
    )

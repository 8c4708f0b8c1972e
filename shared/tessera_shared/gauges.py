"""Gauges that more than one service tells: its connection pool, its view of revocations, its keys."""

from collections.abc import Callable

from tessera_shared import clock
from tessera_shared.db import Database
from tessera_shared.keystore.ring import KeyRing
from tessera_shared.metrics import Metrics, Reading
from tessera_shared.revocation.view import RevocationView


def watch_database(metrics: Metrics, database: Database) -> None:
    """How many connections of the pool are at work."""
    meaning = "Connections of the database pool, by what they do."
    metrics.gauge(
        "database_connections", meaning, lambda: [({"state": state}, n) for state, n in database.use().items()]
    )


def watch_revocations(metrics: Metrics, view: RevocationView) -> None:
    """Whether revocations are known, and how old the knowledge is."""
    metrics.value("revocations_current", "1 while the view of revocations can be relied on.", view.is_current)
    metrics.value("revocations_following", "1 while revocations arrive the moment they happen.", view.is_following)
    metrics.value("revocations_entries", "Revocations held in memory.", lambda: view.size)
    meaning = "Seconds since the database was last read for revocations."
    metrics.value("revocations_read_age_seconds", meaning, view.read_age_seconds)


def watch_keys(metrics: Metrics, ring: Callable[[], KeyRing]) -> None:
    """The age of each key of the ring."""

    def ages() -> Reading:
        now = clock.now()
        for key in ring().keys:
            labels = {"kid": key.kid, "use": key.use, "alg": key.alg, "state": key.state(now).value}
            yield labels, (now - key.created_at).total_seconds()

    metrics.gauge("key_age_seconds", "Seconds since a key of the ring was made.", ages)

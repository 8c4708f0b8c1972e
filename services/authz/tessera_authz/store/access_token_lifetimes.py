"""How long access tokens live, told to the identity provider, which revokes what was granted in ended sessions."""

from datetime import datetime, timedelta

from tessera_shared.db import Database

TELL = """
INSERT INTO authz.access_token_lifetimes (seconds, in_force_at) VALUES ($1, $2)
ON CONFLICT (seconds) DO UPDATE SET in_force_at = greatest(access_token_lifetimes.in_force_at, excluded.in_force_at)
"""
FORGET = "DELETE FROM authz.access_token_lifetimes WHERE in_force_at + make_interval(secs => seconds) < $1"

_MARGIN = timedelta(hours=1)
"""How much longer a lifetime counts than tokens of it live: replicas say theirs every few minutes, clocks disagree."""


async def tell(database: Database, seconds: int, now: datetime) -> None:
    """Say that tokens of this lifetime are issued, and forget lifetimes whose last tokens have expired."""
    await database.execute(TELL, seconds, now)
    await database.execute(FORGET, now - _MARGIN)

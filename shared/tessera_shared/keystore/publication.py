"""The public key set over Redis: a key holds the snapshot, a channel tells of the change."""

import json
from collections.abc import AsyncIterator
from typing import Any

from tessera_shared.redis import Redis

SNAPSHOT = "tessera:jwks"
CHANNEL = "tessera:jwks:changed"


async def publish(redis: Redis, jwks: dict[str, Any]) -> None:
    """Set the snapshot and announce it.

    Raises:
        Unavailable: Redis does not answer.

    """
    text = json.dumps(jwks, sort_keys=True)
    if await redis.swap(SNAPSHOT, text) != text:
        await redis.publish(CHANNEL, "changed")


async def snapshot(redis: Redis) -> Any:  # noqa: ANN401 - JSON
    """The published JWKS, or None while nothing is published.

    Raises:
        Unavailable: Redis does not answer.

    """
    text = await redis.get(SNAPSHOT)
    return None if text is None else json.loads(text)


def changes(redis: Redis) -> AsyncIterator[str]:
    """Yield once on connection and once per announced change.

    Raises:
        Unavailable: The connection broke.

    """
    return redis.subscribe(CHANNEL)

"""Redis by redis-py, with one exception for every way it can be away. For what may be lost, never the only record."""

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis as Client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import NoScriptError, RedisError

from tessera_shared import logging
from tessera_shared.config import Redis as RedisConfig
from tessera_shared.config import read_secret
from tessera_shared.errors import Unavailable

StreamEntry = tuple[str, dict[str, str]]


class Redis:
    """The commands Tessera uses; each raises `Unavailable` when Redis does not answer in time."""

    def __init__(self, config: RedisConfig) -> None:
        self._timeout = config.timeout_seconds
        self._client: Any = Client(
            host=config.host,
            port=config.port,
            username=config.user,
            password=read_secret(config.password_file),
            socket_timeout=config.timeout_seconds + 1,
            socket_connect_timeout=config.timeout_seconds,
            decode_responses=True,
            protocol=2,
            # once more on a new connection: a pooled one may be left over from before Redis was started again
            retry=Retry(NoBackoff(), retries=1, supported_errors=(ConnectionLost,)),
        )

    async def ping(self) -> None:
        """Ask for a sign of life."""
        with _translated():
            await self._client.ping()

    async def get(self, key: str) -> str | None:
        """The value of a key."""
        with _translated():
            value: str | None = await self._client.get(key)
            return value

    async def swap(self, key: str, value: str) -> str | None:
        """Set a key and return what it held."""
        with _translated():
            old: str | None = await self._client.set(key, value, get=True)
            return old

    async def set_once(self, key: str, seconds: int) -> bool:
        """Set a key for so many seconds; whether it was not there. A repetition after a lost answer knows itself."""
        own = uuid4().hex
        with _translated():
            old: str | None = await self._client.set(key, own, nx=True, ex=seconds, get=True)
            return old in (None, own)

    async def run_script(self, script: str, keys: Sequence[str], arguments: Sequence[int]) -> int:
        """Run a Lua script that returns a number; Redis keeps it, so that next time its hash suffices."""
        digest = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        with _translated():
            try:
                return int(await self._client.evalsha(digest, len(keys), *keys, *arguments))
            except NoScriptError:
                return int(await self._client.eval(script, len(keys), *keys, *arguments))

    async def publish(self, channel: str, message: str) -> None:
        """Send a message to whoever listens now."""
        with _translated():
            await self._client.publish(channel, message)

    async def subscribe(self, channel: str) -> AsyncIterator[str]:
        """Yield an empty string once subscribed, then each message, and an empty string at least every second."""
        with _translated():
            async with self._client.pubsub() as subscription:
                await subscription.subscribe(channel)
                yield ""
                while True:
                    message = await subscription.get_message(ignore_subscribe_messages=True, timeout=1.0)
                    yield str(message["data"]) if message else ""

    async def append(self, stream: str, entry: dict[str, str], oldest: datetime) -> None:
        """Add to a stream and drop what is older than `oldest`."""
        with _translated():
            await self._client.xadd(stream, entry, minid=str(int(oldest.timestamp() * 1000)), approximate=True)

    async def last_id(self, stream: str) -> str:
        """The id of a stream's newest entry, `0-0` for an empty one."""
        with _translated():
            newest = await self._client.xrevrange(stream, count=1)
            return str(newest[0][0]) if newest else "0-0"

    async def read(self, stream: str, after: str, block_seconds: float) -> list[StreamEntry]:
        """Entries after an id; waits up to `block_seconds` for the first."""
        with _translated():
            streams = await self._client.xread({stream: after}, block=int(block_seconds * 1000))
            return [(str(entry_id), dict(entry)) for _name, entries in streams for entry_id, entry in entries]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable(f"Redis does not answer: {type(error).__name__}") from error


async def connect(config: RedisConfig) -> Redis:
    """Make the client and say in the log whether Redis answers: without it a service works on, degraded.

    Raises:
        StartupError: The password file cannot be read.

    """
    redis = Redis(config)
    place = f"{config.user}@{config.host}:{config.port}"
    try:
        await redis.ping()
    except Unavailable as error:
        logging.get().warning("redis does not answer; going on without it", place=place, reason=str(error.__cause__))
    else:
        logging.get().info("redis connected", place=place)
    return redis

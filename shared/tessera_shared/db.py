"""The connection pool, transactions, and the schema's version check."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tessera_shared import logging
from tessera_shared.config import Database as DatabaseConfig
from tessera_shared.config import read_secret
from tessera_shared.errors import StartupError, Unavailable
from tessera_shared.tracing import OFF, Traces

Row = Mapping[str, Any]

_DOWN = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What asyncpg raises when the server is away or goes away: InterfaceError when the connection was closed under us,
InternalClientError when the server has said goodbye on it and the end was not read yet."""


async def _keep_session(_connection: Any) -> None:  # noqa: ANN401
    """Replace asyncpg's default reset: no statement of ours leaves state in a session, and the round trip costs."""


class Database:
    """Statements against the service's pool. A server that is away raises `Unavailable`."""

    def __init__(
        self,
        pool: Any,  # noqa: ANN401
        dial: Callable[[], Awaitable[Any]],
        timeout_seconds: float,
        traces: Traces = OFF,
    ) -> None:
        self._pool = pool
        self._traces = traces
        self._dial = dial
        self._timeout = timeout_seconds

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """The first row of a statement's result."""
        row: Row | None = await self._guard(sql, lambda connection: connection.fetchrow(sql, *args))
        return row

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        """All rows of a statement's result."""
        rows: Sequence[Row] = await self._guard(sql, lambda connection: connection.fetch(sql, *args))
        return rows

    async def fetchval(self, sql: str, *args: object) -> Any:  # noqa: ANN401
        """The first column of the first row."""
        return await self._guard(sql, lambda connection: connection.fetchval(sql, *args))

    async def execute(self, sql: str, *args: object) -> None:
        """Run one statement."""
        await self._guard(sql, lambda connection: connection.execute(sql, *args))

    async def execute_until_done(self, sql: str, *args: object) -> int:
        """Run a statement that changes a bounded number of rows until none is left; returns how many it changed.

        One statement for all would hold its locks for long, and be undone whenever it takes longer than the timeout.
        """
        changed = 0
        while rows := int(
            (await self._guard(sql, lambda connection: connection.execute(sql, *args))).rpartition(" ")[2]
        ):
            changed += rows
        return changed

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator["Transaction"]:
        """A transaction; commits when the block ends, rolls back when it raises."""
        try:
            async with self._pool.acquire(timeout=self._timeout) as connection, connection.transaction():
                yield Transaction(connection)
        except _DOWN as error:
            raise Unavailable("PostgreSQL does not answer") from error

    async def listen(self, channel: str, on_notice: Callable[[str], None], on_connected: Callable[[], None]) -> None:
        """Follow NOTIFY on `channel` with a connection of its own until that breaks (then raises `Unavailable`)."""
        lost = asyncio.Event()
        try:
            connection = await self._dial()
        except _DOWN as error:
            raise Unavailable("PostgreSQL does not answer") from error
        try:
            connection.add_termination_listener(lambda _connection: lost.set())
            await connection.add_listener(channel, lambda _c, _pid, _channel, payload: on_notice(str(payload)))
            on_connected()
            while not lost.is_set():
                await self._probe(connection, lost)
        except _DOWN as error:
            raise Unavailable("PostgreSQL does not answer") from error
        finally:
            connection.terminate()
        raise Unavailable("PostgreSQL closed the listening connection")

    async def _probe(self, connection: Any, lost: asyncio.Event) -> None:  # noqa: ANN401
        """Ask for a sign of life every second: a dead network must not look like silence."""
        try:
            await asyncio.wait_for(lost.wait(), 1.0)
        except TimeoutError:
            await connection.execute("SELECT 1", timeout=self._timeout)

    def use(self) -> dict[str, int]:
        """How many of the pool's connections are at work, and how many wait for it."""
        size, idle = self._pool.get_size(), self._pool.get_idle_size()
        return {"busy": size - idle, "idle": idle}

    async def close(self) -> None:
        """Close the pool; waits for statements that run, for a bounded time."""
        try:
            await asyncio.wait_for(self._pool.close(), self._timeout)
        except TimeoutError:
            self._pool.terminate()

    async def _guard(self, sql: str, statement: Callable[[Any], Awaitable[Any]]) -> Any:  # noqa: ANN401
        try:
            with self._traces.statement(sql):
                async with self._pool.acquire(timeout=self._timeout) as connection:
                    return await statement(connection)
        except _DOWN as error:
            raise Unavailable("PostgreSQL does not answer") from error


class Transaction:
    """Statements inside one transaction."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401
        self._connection = connection

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """The first row of a statement's result."""
        row: Row | None = await self._connection.fetchrow(sql, *args)
        return row

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        """All rows of a statement's result."""
        rows: Sequence[Row] = await self._connection.fetch(sql, *args)
        return rows

    async def fetchval(self, sql: str, *args: object) -> Any:  # noqa: ANN401
        """The first column of the first row."""
        return await self._connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> None:
        """Run one statement, or several when it takes no arguments."""
        await self._connection.execute(sql, *args)


async def connect(config: DatabaseConfig, traces: Traces = OFF) -> Database:
    """Open the pool.

    Raises:
        StartupError: The server cannot be reached, or refuses the role; names host, port, database and role.

    """
    place = f"{config.user}@{config.host}:{config.port}/{config.name}"
    parameters: dict[str, Any] = {
        "host": config.host,
        "port": config.port,
        "database": config.name,
        "user": config.user,
        "password": read_secret(config.password_file),
        "timeout": config.timeout_seconds,
        "command_timeout": config.timeout_seconds,
        "server_settings": {"application_name": config.user},
    }
    try:
        pool = await asyncpg.create_pool(**parameters, min_size=1, max_size=config.pool_size, reset=_keep_session)
    except (*_DOWN, asyncpg.PostgresError) as error:
        raise StartupError(f"database: {place}: {str(error) or type(error).__name__}") from error
    logging.get().info("database connected", place=place)
    return Database(pool, lambda: asyncpg.connect(**parameters), config.timeout_seconds, traces)

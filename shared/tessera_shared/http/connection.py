"""One connection of hypercorn's, whose idle timer costs a request nothing and ends with the connection.

hypercorn 0.18 makes two tasks after each answer, to cancel them before the next request; when a client closes an idle
connection, it keeps tasks and socket until the keep-alive timeout; and it sends head and body of an answer apart. What
is changed here leans on its private names: the version is pinned, and `test_connection.py` notices what moves.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Event, RawData

__all__ = ["Connection"]

_HOLD_BYTES = 16 * 1024
"""How much may be held back for what follows, until the event loop's next turn."""


class Connection(TCPServer):
    """Serves one connection until either side closes it, or it was idle for too long."""

    def __init__(self, *args: Any) -> None:  # noqa: ANN401 - hypercorn's own
        super().__init__(*args)
        self._idle = _IdleWatch(self.context.terminated, self.config.keep_alive_timeout, self._initiate_server_close)
        self.idle_task = self._idle  # type: ignore[assignment]
        self._held = bytearray()

    async def protocol_send(self, event: Event) -> None:
        """Send bytes, close, or note that the connection became busy or idle.

        Small pieces that come in a row, such as an answer's head and its body, leave in one segment.
        """
        if not isinstance(event, RawData):
            await super().protocol_send(event)
        elif len(self._held) + len(event.data) > _HOLD_BYTES:
            await super().protocol_send(RawData(self._release() + event.data))
        elif event.data:
            if not self._held:
                self.loop.call_soon(self._flush)
            self._held += event.data
            await super().protocol_send(RawData(b""))  # wait here while the client reads too slowly

    async def _read_data(self) -> None:
        try:
            await super()._read_data()
        finally:
            self._idle.end()

    async def _close(self) -> None:
        self._flush()
        await super()._close()

    def _flush(self) -> None:
        if self._held and not self.writer.is_closing():
            self.writer.write(self._release())

    def _release(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held


class _IdleWatch:
    """In the place of hypercorn's `AsyncioSingleTask`: one task for a connection instead of two for each request."""

    def __init__(self, terminated: Any, keep_alive_seconds: float, close: Callable[[], Awaitable[None]]) -> None:  # noqa: ANN401 - hypercorn's event
        self._terminated = terminated
        self._keep_alive = keep_alive_seconds
        self._close = close
        self._idle_since: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    async def restart(self, task_group: Any, _action: object) -> None:  # noqa: ANN401 - hypercorn's
        """The connection is idle from now on."""
        self._idle_since = asyncio.get_running_loop().time()
        if not self._ended and (self._task is None or self._task.done()):
            self._task = task_group._task_group.create_task(self._watch())  # noqa: SLF001 - spawn() returns no task

    async def stop(self) -> None:
        """A request has come."""
        self._idle_since = None

    def end(self) -> None:
        """The connection is over, and nothing is to be waited for."""
        self._ended = True
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        """Close the connection when it was idle for too long, or is idle while the server stops."""
        loop = asyncio.get_running_loop()
        while not self._terminated.is_set():
            idle_for = 0.0 if self._idle_since is None else loop.time() - self._idle_since
            if idle_for >= self._keep_alive:
                break
            try:
                async with asyncio.timeout(self._keep_alive - idle_for):
                    await self._terminated.wait()
            except TimeoutError:
                continue
        # one that is busy while the server stops ends itself after its answer
        if self._idle_since is not None:
            await asyncio.shield(self._close())

"""The way every service starts and ends: `--config`, one clear line and status 1 on failure."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from tessera_shared import logging
from tessera_shared.errors import StartupError, Unavailable


def launch(service: str, run: Callable[[Path], Awaitable[None]]) -> int:
    """Parse the command line and run the service; returns the process's exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m tessera_{service}")
    parser.add_argument("--config", type=Path, required=True, help=f"path of {service}.yml")
    path = parser.parse_args().config
    try:
        asyncio.run(_as_coroutine(run(path)))
    except (StartupError, Unavailable) as error:
        print(f"tessera {service}: {error}", file=sys.stderr)  # noqa: T201 - the log may not be configured yet
        return 1
    return 0


def is_command(arguments: Sequence[str]) -> bool:
    """Whether there is more than the `--config` of a service that is to serve."""
    rest = list(arguments[2:] if arguments[:1] == ["--config"] else arguments)
    return any(not word.startswith("--config") for word in rest)


async def _as_coroutine(running: Awaitable[None]) -> None:
    await running


class Background:
    """Tasks that run beside the requests. One that breaks is logged and started again."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run `run` until `stop`."""
        self._tasks.append(asyncio.create_task(self._supervise(name, run), name=name))

    def every(self, name: str, seconds: float, run: Callable[[], Awaitable[object]]) -> None:
        """Run `run` every so many seconds until `stop`; an unavailable store only skips a turn."""

        async def repeat() -> None:
            while True:
                await asyncio.sleep(seconds)
                try:
                    await run()
                except Unavailable as error:
                    logging.get().warning("background work skipped", task=name, reason=str(error))

        self.start(name, repeat)

    async def stop(self) -> None:
        """Cancel all tasks and wait for them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _supervise(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await run()
            except Exception as error:  # noqa: BLE001 - whatever broke is logged, and the work goes on
                logging.get().error("background task broke; starting it again", task=name, exc_info=error)
            await asyncio.sleep(1.0)

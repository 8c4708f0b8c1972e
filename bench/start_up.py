"""Starting a process and waiting until it answers, in steps small enough to be measured."""

import socket
import time

from bench.load import LoadError
from stack.errors import last_lines
from stack.health import fetch
from stack.process import Process

__all__ = ["seconds_until", "seconds_until_open"]

_STEP = 0.005
_PATIENCE = 60.0


def seconds_until(process: Process, url: str) -> float:
    """Start the process; the seconds until `url` answers 200 with JSON.

    Raises:
        LoadError: It ended or never answered; tells its last log lines.

    """
    started = time.perf_counter()
    process.start()
    while fetch(url, 2.0) is None:
        if not process.running or time.perf_counter() - started > _PATIENCE:
            raise LoadError(f"{process.name} does not answer at {url}:\n{last_lines(process.log)}")
        time.sleep(_STEP)
    return time.perf_counter() - started


def seconds_until_open(port: int) -> float:
    """The seconds until a server on this machine takes connections.

    Raises:
        LoadError: It never does.

    """
    started = time.perf_counter()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError as error:
            if time.perf_counter() - started > _PATIENCE:
                raise LoadError(f"nothing listens on port {port}") from error
            time.sleep(_STEP)
        else:
            return time.perf_counter() - started

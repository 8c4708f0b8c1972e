"""Keeps the running embedded stack whole: what ends by itself is started again, as compose's restart policy does."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from stack.embedded import EmbeddedStack
from stack.errors import StackError, last_lines

__all__ = ["Supervisor"]

DELAYS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""How long to wait before each restart in a row; after the last one the stack gives up."""
SETTLED = 30.0
"""A process that has run this long, in seconds, starts again with the first delay."""
LOG_LINES = 12


@dataclass(slots=True)
class _Failures:
    """A process's endings in a row, and when it is started again."""

    count: int = 0
    restart_at: float | None = None
    recovering: bool = False


class Supervisor:
    """Watches the processes of a running stack."""

    def __init__(self, stack: EmbeddedStack, report: Callable[[str], None]) -> None:
        self._stack = stack
        self._report = report
        self._failures = {name: _Failures() for name in stack.processes}

    def check(self) -> None:
        """Look at each process once; call it a few times a second.

        Raises:
            StackError: One ended too often in a row; holds its last log lines.

        """
        for name in self._failures:
            self._check(name, time.monotonic())

    def _check(self, name: str, now: float) -> None:
        process, failures = self._stack.processes[name], self._failures[name]
        if not process.wanted:
            failures.restart_at = None
        elif process.running:
            self._note_recovery(name, failures)
        elif failures.restart_at is None:
            self._schedule(name, failures, now)
        elif now >= failures.restart_at:
            failures.restart_at = None
            failures.recovering = True
            self._restart(name)

    def _note_recovery(self, name: str, failures: _Failures) -> None:
        if failures.recovering and self._stack.ready(name):
            failures.recovering = False
            self._report(f"{name} is back")

    def _schedule(self, name: str, failures: _Failures, now: float) -> None:
        process = self._stack.processes[name]
        if now - process.started_at > SETTLED:
            failures.count = 0
        log = last_lines(process.log, LOG_LINES)
        if failures.count == len(DELAYS):
            raise StackError(f"{name} {process.ending()}, {failures.count + 1} times in a row; giving up", log)
        delay = DELAYS[failures.count]
        failures.count += 1
        failures.restart_at = now + delay
        shown = "".join(f"\n    | {line}" for line in log.splitlines())
        self._report(f"{name} {process.ending()}; starting it again in {delay:.0f} s. Its last log lines:{shown}")

    def _restart(self, name: str) -> None:
        try:
            self._stack.restart(name)
        except StackError as error:
            self._report(f"{name} did not start: {error}")

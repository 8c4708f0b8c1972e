"""The embedded stack as a user runs it: in the foreground until Ctrl-C."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from stack.embedded import EmbeddedStack
from stack.guide import guide
from stack.supervisor import Supervisor

__all__ = ["run"]


def run(folder: Path, report: Callable[[str], None]) -> None:
    """Run everything until Ctrl-C or SIGTERM, then stop it in order.

    Raises:
        StackError: Something failed for good; everything has been stopped.

    """
    _interrupt_once()
    stack = EmbeddedStack(folder, report=report)
    try:
        with stack:
            print(guide(stack.ports))
            report(f"running; logs are in {stack.logs}, Ctrl-C stops everything")
            supervisor = Supervisor(stack, report)
            while True:
                supervisor.check()
                time.sleep(0.2)
    except KeyboardInterrupt:
        report("stopped; data and secrets are kept")


def _interrupt_once() -> None:
    """The first SIGINT or SIGTERM ends the loop above; while everything stops, more of them change nothing."""
    armed = True

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal armed
        del number, frame
        if armed:
            armed = False
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)

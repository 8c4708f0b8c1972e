"""Progress on the terminal: one line per step, with the time since the start."""

import sys
import time

from stack.errors import StackError

__all__ = ["Progress", "complain"]


class Progress:
    """Prints each step at once, also where the output is a file or a pipe."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, step: str) -> None:
        """Print one step."""
        print(f"[{time.monotonic() - self._start:6.1f} s] {step}", flush=True)


def complain(error: StackError) -> None:
    """Print what went wrong, and the log lines that explain it."""
    if error.log:
        print("".join(f"    | {line}\n" for line in error.log.splitlines()), end="", file=sys.stderr)
    print(f"tessera: {error}", file=sys.stderr, flush=True)

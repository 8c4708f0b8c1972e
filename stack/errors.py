"""What stops the stack, as one clear line, with the log lines that explain it."""

from collections import deque
from pathlib import Path

__all__ = ["StackError", "last_lines"]


class StackError(Exception):
    """The stack cannot do what was asked; `log` holds the lines that say why."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log
        if log:
            self.add_note(log)  # so that a test's traceback shows it too


def last_lines(path: Path, count: int = 20) -> str:
    """The end of a log file, or nothing where there is none."""
    if not path.exists():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return "".join(deque(file, maxlen=count)).rstrip()

"""One embedded stack per folder: a lock that dies with its holder, and a record of what runs."""

import fcntl
import json
import os
import signal
from pathlib import Path
from typing import IO, Any

from stack.errors import StackError
from stack.process import Process, end, identity, is_alive

__all__ = ["Instance"]


class Instance:
    """The claim on a folder. The lock is the kernel's: after a crash it is free, whatever files are left over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._record = folder / "running.json"
        self._lock: IO[bytes] | None = None

    def claim(self) -> list[str]:
        """Take the folder, and end what a killed stack left running in it.

        Returns:
            The names of the processes that had to be ended.

        Raises:
            StackError: Another stack runs in this folder.

        """
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = (self._folder / "lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise StackError(f"the stack in {self._folder} is running already (process {self.holder()})") from error
        self._lock = lock
        return self._end_leftovers()

    def release(self) -> None:
        """Give the folder free."""
        self._record.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def record(self, processes: dict[str, Process], urls: dict[str, str], settings: dict[str, dict[str, str]]) -> None:
        """Write down what runs, for `down`, `status`, `operate` and whoever comes after a crash."""
        known = {name: [process.pid, identity(process.pid)] for name, process in processes.items() if process.pid}
        partial = self._record.with_suffix(".new")
        content = {"pid": os.getpid(), "processes": known, "urls": urls, "settings": settings}
        partial.write_text(json.dumps(content), encoding="ascii")
        partial.replace(self._record)

    def is_held(self) -> bool:
        """Whether a stack runs in this folder now."""
        path = self._folder / "lock"
        if not path.exists():
            return False
        with path.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def holder(self) -> int | None:
        """The process id of the stack that runs here, as it wrote it down."""
        pid = self._read().get("pid")
        return pid if isinstance(pid, int) else None

    def urls(self) -> dict[str, str]:
        """The services' addresses, by name."""
        return dict(self._read().get("urls", {}))

    def settings(self, service: str) -> dict[str, str]:
        """The environment variables that fit a service's configuration to this stack."""
        return dict(self._read().get("settings", {}).get(service, {}))

    def processes(self) -> dict[str, tuple[int, bool]]:
        """Process id of each recorded process, and whether it is alive."""
        recorded = self._read().get("processes", {})
        return {name: (pid, is_alive(pid, known)) for name, (pid, known) in recorded.items()}

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._record.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _end_leftovers(self) -> list[str]:
        """Services first, then what they use: the record is in starting order."""
        ended: list[str] = []
        for name, (pid, known) in reversed(self._read().get("processes", {}).items()):
            if is_alive(pid, known):
                end(pid, known, signal.SIGINT if name == "postgres" else signal.SIGTERM)
                ended.append(name)
        self._record.unlink(missing_ok=True)
        return ended

"""One child process: started with its output in a log file, stopped gracefully, killed, told apart from strangers."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from stack.account import Account
from stack.errors import StackError, last_lines

__all__ = ["Process", "end", "identity", "is_alive"]


class Process:
    """A server that the stack runs. `wanted` is true from `start` until `stop` or `kill`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        account: Account | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self.wanted = False
        self.started_at = 0.0
        self._command = command
        self._environment = environment
        self._account = account or Account()
        self._stop_signal = stop_signal
        self._cwd = cwd
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the last start, also after its end."""
        return self._child.pid if self._child else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start it in a session of its own, so that a Ctrl-C at the terminal reaches the stack alone."""
        if self.running:
            raise StackError(f"{self.name} runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*self._account.prefix, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._cwd,
                start_new_session=True,
                **self._account.options(),
            )
        self.wanted = True
        self.started_at = time.monotonic()

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until `ready` says so.

        Raises:
            StackError: It ended or took too long; holds its last log lines.

        """
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise StackError(f"{self.name} {self.ending()}", last_lines(self.log))
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} is not ready after {timeout:.0f} s", last_lines(self.log))
            time.sleep(0.05)

    def ask_to_stop(self) -> None:
        """Send the signal for a graceful stop, without waiting."""
        self.wanted = False
        if self._child is not None and self.running:
            self._child.send_signal(self._stop_signal)

    def stop(self, timeout: float = 15.0) -> bool:
        """Stop it gracefully; false when it had to be killed."""
        self.ask_to_stop()
        if self._child is None:
            return True
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """End it at once, with whatever it has started in its session."""
        self.wanted = False
        if self._child is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def ending(self) -> str:
        """How it ended, in words."""
        status = self._child.poll() if self._child else None
        if status is None:
            return "has not ended"
        if status < 0:
            return f"was killed by {signal.Signals(-status).name}"
        return f"ended with status {status}"


def identity(pid: int) -> str:
    """When the process started, as the system tells it: with the pid, this names one process for good."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        with suppress(OSError):
            state, *rest = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            return "" if state == "Z" else rest[18]
        return ""
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def is_alive(pid: int, known: str) -> bool:
    """Whether this very process, not another with its number, is running."""
    return bool(known) and identity(pid) == known


def end(pid: int, known: str, stop_signal: signal.Signals, timeout: float = 12.0) -> None:
    """End a process that is not our child: gracefully first, then at once."""
    for number, patience in ((stop_signal, timeout), (signal.SIGKILL, 5.0)):
        if not is_alive(pid, known):
            return
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + patience
        while is_alive(pid, known) and time.monotonic() < deadline:
            time.sleep(0.05)

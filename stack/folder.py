"""What other shells may ask of an embedded stack's folder: is it running, stop it, show its logs, forget its data."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from stack.errors import StackError
from stack.health import healthy
from stack.instance import Instance

__all__ = ["Folder"]

ROOT = Path(__file__).resolve().parent.parent
STOP_TIMEOUT = 90.0
OURS = ("secrets", "certificates", "postgres", "redis", "logs", "lock", "running.json")
"""What the stack keeps in its folder."""


class Folder:
    """The folder of an embedded stack, which may be running or not."""

    def __init__(self, path: Path, report: Callable[[str], None]) -> None:
        self.path = path.resolve()
        self._report = report
        self._instance = Instance(self.path)

    def exists(self) -> bool:
        """Whether a stack has run here."""
        return (self.path / "lock").exists()

    def running(self) -> bool:
        """Whether a stack runs here now, or a killed one left processes behind."""
        return self._instance.is_held() or any(alive for _, alive in self._instance.processes().values())

    def down(self) -> None:
        """Stop the stack that runs here and wait for its end."""
        holder = self._instance.holder()
        if not self._instance.is_held():
            ended = self._instance.claim()
            self._instance.release()
            self._report(
                f"stopped what a killed stack had left running: {', '.join(ended)}" if ended else "not running"
            )
            return
        if holder is None:
            raise StackError("the embedded stack is just starting or stopping; try again in a moment")
        self._report(f"stopping the embedded stack (process {holder})")
        os.kill(holder, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        while self._instance.is_held():
            if time.monotonic() > deadline:
                raise StackError(f"the embedded stack (process {holder}) has not stopped after {STOP_TIMEOUT:.0f} s")
            time.sleep(0.1)
        self._report("stopped; data and secrets are kept")

    def reset(self) -> None:
        """Stop the stack and remove its data, secrets and logs; nothing else in the folder."""
        if self.exists():
            self.down()
        for name in OURS:
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self._report(f"removed data, secrets and logs from {self.path}")

    def logs(self, *names: str, follow: bool = False) -> int:
        """Show the ends of the logs; returns the exit status."""
        wanted = [self.path / "logs" / f"{name}.log" for name in names] or sorted((self.path / "logs").glob("*.log"))
        missing = [path.stem for path in wanted if not path.exists()]
        if missing or not wanted:
            raise StackError(f"no log of {', '.join(missing) or 'any process'} in {self.path / 'logs'}")
        return subprocess.call(["tail", "-n", "100", *(["-F"] if follow else []), *map(str, wanted)])

    def operate(self, service: str, arguments: list[str]) -> int:
        """Run an operator's command of a service; returns its exit status."""
        environment = {**os.environ, **self._instance.settings(service)}
        command = [_python(), "-m", f"tessera_{service}", "--config", f"configs/{service}.yml", *arguments]
        return subprocess.call(command, env=environment, cwd=ROOT)

    def status(self) -> list[str]:
        """One line for each process: its id, and whether it can serve."""
        urls = self._instance.urls()
        lines = []
        for name, (pid, alive) in self._instance.processes().items():
            state = "running" if alive else "not running"
            if alive and name in urls:
                state = f"healthy at {urls[name]}" if healthy(urls[name]) else f"not healthy at {urls[name]}"
            lines.append(f"{name:9} process {pid:7}  {state}")
        return lines


def _python() -> str:
    """What can run the services: the virtual environment that `make up` made, whichever Python runs this."""
    made = ROOT / ".venv" / "bin" / "python"
    return str(made) if made.exists() else sys.executable

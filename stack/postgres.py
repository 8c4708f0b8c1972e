"""PostgreSQL on the loopback interface, with its data in a folder that survives the process."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from stack import binaries
from stack.account import for_postgres
from stack.errors import StackError, last_lines
from stack.ports import HOST
from stack.process import Process

__all__ = ["DATABASE", "OWNER", "Postgres"]

DATABASE = "tessera"
OWNER = "tessera"
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


class Postgres:
    """One PostgreSQL server; its owner's password is the content of `password_file`."""

    def __init__(self, folder: Path, *, port: int, password_file: Path, log: Path) -> None:
        self.folder = folder
        self.port = port
        self._password_file = password_file
        self._programs = binaries.postgres_folder()
        self._data = folder / "data"
        self._log = log
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._account = for_postgres(self._programs / "postgres", folder)
        self.process = Process(
            "postgres",
            [str(self._programs / "postgres"), "-D", str(self._data), *self._options()],
            log=log,
            environment=_environment(),
            account=self._account,
            stop_signal=signal.SIGINT,
            cwd=Path("/"),
        )

    def start(self, timeout: float = 30.0) -> None:
        """Make the database if there is none, then start the server and wait until it takes connections."""
        if not self._data.exists():
            self._initialise()
        self._account.give(self.folder)
        deadline = time.monotonic() + timeout
        while True:
            self._forget_stale_pid()
            self.process.start()
            try:
                self.process.wait_until(self.ready, timeout)
            except StackError:
                # After a kill, the old server's last children may hold its memory for a moment.
                if self.process.running or time.monotonic() > deadline or not self._is_released_soon():
                    raise
                time.sleep(0.3)
            else:
                return

    def ready(self) -> bool:
        """Whether it takes connections: what `pg_ctl` reads from the same file."""
        lines = self._pid_file_lines()
        return len(lines) > 7 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"  # noqa: PLR2004 - the file's eighth line

    def _options(self) -> list[str]:
        return ["-p", str(self.port), *(word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}"))]

    def _initialise(self) -> None:
        """Make the data folder under another name first: a broken attempt never looks like a database."""
        partial = self.folder / "data.new"
        shutil.rmtree(partial, ignore_errors=True)
        password = self.folder / "password"
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_bytes(self._password_file.read_bytes())
        self._account.give(self.folder)
        try:
            self._run(
                "initdb",
                *("-D", str(partial), "-U", OWNER, f"--pwfile={password}", "--auth=scram-sha-256"),
                *("--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions"),
            )
            self._run("postgres", "--single", "-D", str(partial), "postgres", text=f"CREATE DATABASE {DATABASE}\n")
        finally:
            password.unlink()
        partial.rename(self._data)

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        done = subprocess.run(
            [*self._account.prefix, str(self._programs / program), *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env=_environment(),
            cwd="/",
            **self._account.options(),
        )
        if done.returncode != 0:
            raise StackError(f"PostgreSQL's {program} failed", (done.stdout + done.stderr).strip())

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _forget_stale_pid(self) -> None:
        """Remove the pid file of a server that is gone, for its number may be another program's by now."""
        lines = self._pid_file_lines()
        if not lines:
            return
        arguments = Path(f"/proc/{lines[0]}/cmdline")
        if Path("/proc/self/cmdline").exists() and str(self._data) not in _read(arguments):
            (self._data / "postmaster.pid").unlink()

    def _is_released_soon(self) -> bool:
        return "is still in use" in last_lines(self._log, 5)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _environment() -> dict[str, str]:
    """The caller's environment without what would steer PostgreSQL elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LANG": "C", "LC_ALL": "C"}

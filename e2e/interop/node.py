"""Node.js for the foreign clients: their packages from the lock file, and conversations with their scripts."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from e2e.browser import Answer

FOLDER = Path(__file__).parent / "node"
_INSTALL = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]

Visit = Callable[[str], Answer]


class ForeignError(Exception):
    """What a foreign client refused, or was refused: its own error, as it describes it."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(json.dumps(told))
        self.told = told

    @property
    def messages(self) -> str:
        """What the error says, and what its causes say."""
        told: Any = self.told
        found: list[str] = []
        while isinstance(told, dict) and "message" in told:
            found.append(told["message"])
            told = told.get("cause")
        return "; ".join(found)


@dataclass(frozen=True, slots=True)
class Node:
    """Runs the scripts of one test.

    Attributes:
        options: Go to each script, before its own.
        environment: Beside this process's own.

    """

    options: dict[str, Any]
    environment: dict[str, str]

    def run(self, script: str, visit: Visit | None = None, **options: Any) -> Any:
        """The script's result.

        Args:
            script: Its name without `.mjs`.
            visit: The user's browser, for scripts that send the user somewhere.
            options: What the script reads.

        Raises:
            ForeignError: The foreign client threw.

        """
        with self._started(script) as process:
            return _converse(process, self.options | options, visit)

    @contextmanager
    def serve(self, script: str, **options: Any) -> Iterator[str]:
        """A server that the script runs until the test is done; yields its URL."""
        with self._started(script) as process:
            yield _converse(process, self.options | options, None)

    @contextmanager
    def _started(self, script: str) -> Iterator[subprocess.Popen[str]]:
        with tempfile.TemporaryFile("w+") as complaints:
            process = subprocess.Popen(
                ["node", f"{script}.mjs"],
                cwd=FOLDER,
                env={**os.environ, **self.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                encoding="utf-8",
            )
            try:
                with process:
                    yield process
            except EOFError:
                complaints.seek(0)
                pytest.fail(f"{script}.mjs ended with status {process.returncode}: {complaints.read()[-4000:]}")
            finally:
                process.kill()


def _converse(process: subprocess.Popen[str], options: dict[str, Any], visit: Visit | None) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    _tell(process.stdin, options)
    for line in process.stdout:
        message = json.loads(line)
        if "error" in message:
            raise ForeignError(message["error"])
        if "visit" not in message:
            return message.get("result")
        assert visit is not None, "the script sends the user somewhere, and there is no browser"
        answer = visit(message["visit"])
        _tell(process.stdin, {"url": answer.url, "posted": answer.posted})
    raise EOFError


def _tell(stream: IO[str], message: Any) -> None:
    stream.write(json.dumps(message) + "\n")
    stream.flush()


def install(folder: Path = FOLDER) -> None:
    """Install what a lock file names, unless it is there; without Node.js the test is skipped, but never in CI."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        reason = f"{' and '.join(missing)} not installed: the clients of npm cannot run"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with (folder / "package-lock.json").open() as wanted:
        fcntl.flock(wanted, fcntl.LOCK_EX)  # the tests of both stacks may come here at the same time
        installed = folder / "node_modules" / ".package-lock.json"
        if installed.exists() and installed.stat().st_mtime > os.fstat(wanted.fileno()).st_mtime:
            return
        done = subprocess.run(
            _INSTALL, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, f"npm ci: {done.stderr[-2000:]}"

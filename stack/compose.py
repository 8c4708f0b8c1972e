"""The stack in containers: what `docker compose` does, with progress, and the logs of whatever failed."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stack.errors import StackError, last_lines
from stack.health import healthy, title
from stack.ports import Ports

__all__ = ["ComposeStack"]

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("authz", "idp", "rs")
INSIDE = {"authz": 8080, "idp": 8081, "rs": 8082, "mail": 8025}
"""The services and the mailbox, and the port of each inside: the services' are the gateway's."""
CONTROL = re.compile("\x1b\\[[0-9;]*[A-Za-z]")
"""Terminal control sequences, which compose prints even when told not to."""
READY_TIMEOUT = 120.0
GIVE_UP_AFTER = 5
"""How often Docker may have restarted a service that does not become healthy."""
STILL_WORKING = 15.0
"""A step that takes longer says so this often, in seconds."""


class ComposeStack:
    """The project that compose.yaml describes. COMPOSE_PROJECT_NAME tells two of them apart."""

    def __init__(self, report: Callable[[str], None] = lambda _: None) -> None:
        self.ports = Ports.from_environment()
        self.urls = {service: self.ports.url(service) for service in INSIDE}
        self._report = report

    def up(self) -> None:
        """Build and start everything in the background, and wait until the host's ports answer.

        Raises:
            StackError: Holds the last log lines of the containers that failed.

        """
        if not self.running():
            self.ports.check_free()
        self._step("building the images", "build")
        try:
            self._step("starting the containers", "up", "--build", "--detach", "--remove-orphans")
        except StackError as error:
            raise StackError(str(error), self._why() or error.log) from error
        self._await_services()

    def down(self) -> None:
        """Stop and remove the containers; volumes stay."""
        self._step("stopping the containers", "down", "--remove-orphans")

    def reset(self) -> None:
        """Remove containers, networks, images built here and all volumes: data and secrets."""
        self._step("removing containers, images and volumes", "down", "--volumes", "--rmi", "local", "--remove-orphans")

    def certificates(self) -> bytes:
        """What the volume `certificates` holds, as a tar file; `provision` fills it where the stack was never up."""
        self._step("making certificates", "run", "--rm", "--no-deps", "provision")
        reading = ("--entrypoint", "tar", "provision", "-C", "/secrets/certificates", "-c", ".")
        done = subprocess.run(
            _command("run", "--rm", "--no-deps", "-T", *reading), cwd=ROOT, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise StackError("the certificates cannot be read", done.stderr.decode(errors="replace").strip())
        return done.stdout

    def logs(self, *names: str, follow: bool = False) -> int:
        """Show the containers' logs; returns the exit status."""
        options = ["--follow"] if follow else []
        return subprocess.call(_command("logs", "--tail", "100", *options, *names), cwd=ROOT)

    def operate(self, service: str, arguments: list[str]) -> int:
        """Run an operator's command inside the service's container; returns its exit status."""
        options = [] if sys.stdin.isatty() else ["-T"]
        words = ["exec", *options, service, "python", "-m", f"tessera_{service}", *arguments]
        return subprocess.call(_command(*words), cwd=ROOT)

    def running(self) -> bool:
        """Whether a container of this project runs."""
        return any(row.get("State") == "running" for row in self.containers())

    def exists(self) -> bool:
        """Whether this project has containers, running or not."""
        return bool(self.containers())

    def containers(self) -> list[dict[str, Any]]:
        """Every container of this project, as `docker compose ps` tells it."""
        text = _output(*_command("ps", "--all", "--format", "json"))
        if text.startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.splitlines()]

    def status(self) -> list[str]:
        """One line for each container, then whether each service is healthy through the port that is published."""
        rows = self.containers()
        lines = [f"{row['Name']:22} {row['Status']}" for row in rows]
        published = {
            each["TargetPort"]: each["PublishedPort"]
            for row in rows
            for each in row.get("Publishers") or []
            if each["URL"]
        }
        for name, inside in INSIDE.items():
            url = f"http://localhost:{published[inside]}" if inside in published else ""
            lines.append(
                f"{name:22} {'healthy' if url and healthy(url) else 'not healthy'} {'at ' if url else ''}{url}"
            )
        return lines

    def _await_services(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT
        waiting = list(INSIDE)
        while waiting:
            for name in list(waiting):
                if healthy(self.urls[name]):
                    waiting.remove(name)
                    self._report(f"{name} is ready at {self.urls[name]}")
                    if name in SERVICES and not title(self.urls[name]):
                        raise StackError(f"what answers at {self.urls[name]} is not Tessera's {name}")
            if time.monotonic() > deadline:
                raise StackError(f"not ready after {READY_TIMEOUT:.0f} s: {', '.join(waiting)}", self._why(*waiting))
            if failing := [name for name in waiting if self._restarts(name) >= GIVE_UP_AFTER]:
                raise StackError(f"ends again and again: {', '.join(failing)}", self._why(*failing))
            time.sleep(0.25)

    def _step(self, what: str, *arguments: str) -> None:
        """Run one compose command with its output in a file, saying now and then that it goes on."""
        self._report(what)
        log = ROOT / ".tessera" / "logs" / "compose.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            child = subprocess.Popen(
                _command(*arguments), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        while True:
            try:
                status = child.wait(STILL_WORKING)
                break
            except subprocess.TimeoutExpired:
                self._report(f"still {what}: {last_lines(log, 1)[:100]}")
            except KeyboardInterrupt:
                child.wait()
                raise
        if status != 0:
            raise StackError(f"{what} failed (docker compose {arguments[0]}: status {status})", last_lines(log))

    def _why(self, *names: str) -> str:
        """The last log lines of the named containers, or of those that ended badly or are not healthy."""
        failed = list(names) or [row["Service"] for row in self.containers() if _is_broken(row)]
        return "\n".join(self._last_logs(name) for name in dict.fromkeys(failed))

    def _last_logs(self, name: str) -> str:
        return CONTROL.sub("", _output(*_command("logs", "--no-color", "--tail", "20", name)))

    def _restarts(self, name: str) -> int:
        """How often Docker has restarted the service's containers, counting the one that did worst."""
        ids = _output(*_command("ps", "--all", "--quiet", name)).split()
        counts = _output("docker", "inspect", "--format", "{{.RestartCount}}", *ids).split() if ids else []
        return max(map(int, counts), default=0)


def _is_broken(row: dict[str, Any]) -> bool:
    state, health = row.get("State"), row.get("Health")
    return state in {"restarting", "dead"} or health == "unhealthy" or bool(row.get("ExitCode"))


def _output(*command: str) -> str:
    """What the command prints."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"{' '.join(command[:4])} … failed", done.stderr.strip())
    return done.stdout.strip()


def _command(*arguments: str) -> list[str]:
    """COMPOSE_FILE and COMPOSE_PROJECT_NAME choose files and project, as for any use of compose."""
    return ["docker", "compose", "--ansi", "never", *arguments]

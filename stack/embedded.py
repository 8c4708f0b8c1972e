"""The embedded stack: PostgreSQL, Valkey, the services and the mailbox as plain processes on the loopback interface.

with EmbeddedStack(folder, ports=Ports.free()) as stack:
    stack.authz_url, stack.servers.dsn()
    stack.kill("authz")
    stack.start("authz")
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from stack.embedded_environment import SERVICES, environment_of
from stack.errors import StackError, last_lines
from stack.health import healthy, title
from stack.instance import Instance
from stack.ports import HOST, Ports
from stack.process import Process
from stack.servers import DataServers

__all__ = ["EmbeddedStack"]

ROOT = Path(__file__).resolve().parent.parent
RUNNER = (sys.executable, "-m")
READY_TIMEOUT = 60.0
MAILBOX = "mail"
PROGRAMS = (MAILBOX, *SERVICES)
"""What is started together, and asked over HTTP whether it is ready."""


class EmbeddedStack:
    """Everything, started by the entry points that compose.yaml uses.

    Args:
        folder: Where data, secrets and logs live; they stay there.
        ports: The services' ports; the environment's or 8080, 8081 and 8082 when not given.
        env: More environment variables by service name (`migrate` too), laid over the stack's own.
        python: What runs a module, by service name: `[python, "-m"]`, or `[python, "-m", "coverage", "run", …, "-m"]`.
        report: Is told each step in a few words.

    """

    def __init__(
        self,
        folder: Path,
        *,
        ports: Ports | None = None,
        env: Mapping[str, Mapping[str, str]] | None = None,
        python: Mapping[str, Sequence[str]] | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder = folder.resolve()
        self.logs = self.folder / "logs"
        self.ports = ports or Ports.from_environment()
        self.authz_url, self.idp_url, self.rs_url = (self.ports.url(service) for service in SERVICES)
        self.urls = {name: self.ports.url(name) for name in PROGRAMS}
        self.instance = Instance(self.folder)
        self._env = env or {}
        self._python = python or {}
        self._report = report
        self._servers: DataServers | None = None
        self._services: dict[str, Process] = {}

    @property
    def servers(self) -> DataServers:
        """PostgreSQL and Valkey, with their ports and secrets; there once the stack has started."""
        if self._servers is None:
            raise StackError("the stack has not started")
        return self._servers

    @property
    def processes(self) -> dict[str, Process]:
        """Every process by name, in starting order: postgres, redis, mail, authz, idp, rs."""
        return {**(self._servers.processes if self._servers else {}), **self._services}

    def up(self) -> None:
        """Start everything and wait until the three services can serve.

        Raises:
            StackError: Says what failed; holds the log lines that tell why. Nothing is left running.

        """
        leftovers = self.instance.claim()
        try:
            if leftovers:
                self._report(f"stopped what a killed stack had left running: {', '.join(leftovers)}")
            self.ports.check_free()
            self._rotate_logs()
            self._servers = DataServers(self.folder, logs=self.logs)
            for name in self._servers.processes:
                self._report(f"starting {name}")
                self.start(name)
            self._report("bringing the database schema up to date")
            self._migrate()
            self._services = {MAILBOX: self._mailbox(), **{name: self._service(name) for name in SERVICES}}
            self._report("starting authz, idp, rs and the mailbox")
            self._begin(*PROGRAMS)
            self._await_services(*PROGRAMS)
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Stop everything gracefully: the services first, then what they use."""
        if any(process.running for process in self._services.values()):
            self._report("stopping authz, idp, rs and the mailbox")
        for process in self._services.values():
            process.ask_to_stop()
        for process in reversed(self.processes.values()):
            if process.name not in PROGRAMS and process.running:
                self._report(f"stopping {process.name}")
            if not process.stop():
                self._report(f"{process.name} did not stop in time and was killed")
        self.instance.release()

    def start(self, *names: str) -> None:
        """Start the named processes and wait until each can serve."""
        for name in names:
            if name in PROGRAMS:
                self._begin(name)
            else:
                self.servers.start(name)
                self._record()
        self._await_services(*(name for name in names if name in PROGRAMS))

    def restart(self, name: str) -> None:
        """Start a process again that has ended by itself, without waiting for a service to be ready."""
        if name in PROGRAMS:
            self._begin(name)
        else:
            self.start(name)

    def stop(self, *names: str) -> None:
        """Stop the named processes gracefully."""
        for name in names:
            self.processes[name].stop()

    def kill(self, *names: str) -> None:
        """End the named processes with SIGKILL, as a crash does."""
        for name in names:
            self.processes[name].kill()

    def ready(self, name: str) -> bool:
        """Whether the named process can serve."""
        if name in PROGRAMS:
            return healthy(self.urls[name])
        return self.servers.ready(name)

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def _command(self, name: str) -> list[str]:
        module = "tessera_shared.schema" if name == "migrate" else f"tessera_{name}"
        return [*self._python.get(name, RUNNER), module, "--config", str(ROOT / "configs" / f"{name}.yml")]

    def _environment(self, name: str) -> dict[str, str]:
        return {**os.environ, **self._settings(name)}

    def _settings(self, name: str) -> dict[str, str]:
        return {**environment_of(name, self.ports, self.servers), **self._env.get(name, {})}

    def _service(self, name: str) -> Process:
        log = self.logs / f"{name}.log"
        return Process(name, self._command(name), log=log, environment=self._environment(name), cwd=ROOT)

    def _mailbox(self) -> Process:
        ports = ("--port", str(self.ports.mail), "--smtp-port", str(self.ports.smtp))
        command = [*RUNNER, "stack.mailbox", "--host", HOST, *ports]
        return Process(MAILBOX, command, log=self.logs / f"{MAILBOX}.log", environment=dict(os.environ), cwd=ROOT)

    def _begin(self, *names: str) -> None:
        for name in names:
            self._services[name].start()
        self._record()

    def _record(self) -> None:
        settings = {name: self._settings(name) for name in SERVICES}
        self.instance.record(self.processes, self.urls, settings)

    def _migrate(self) -> None:
        log = self.logs / "migrate.log"
        with log.open("ab") as output:
            done = subprocess.run(
                self._command("migrate"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment("migrate"),
                cwd=ROOT,
                check=False,
            )
        if done.returncode != 0:
            raise StackError(f"migrate ended with status {done.returncode}", last_lines(log))

    def _await_services(self, *names: str) -> None:
        deadline = time.monotonic() + READY_TIMEOUT
        waiting = list(names)
        while waiting:
            for name in list(waiting):
                process = self._services[name]
                if healthy(self.urls[name]):
                    waiting.remove(name)
                    self._report(f"{name} is ready at {self.urls[name]}")
                    if name in SERVICES and not title(self.urls[name]):
                        raise StackError(f"what answers at {self.urls[name]} is not Tessera's {name}")
                elif not process.running:
                    raise StackError(f"{name} {process.ending()}", last_lines(process.log))
            if time.monotonic() > deadline:
                logs = "\n".join(last_lines(self._services[name].log, 10) for name in waiting)
                raise StackError(f"not ready after {READY_TIMEOUT:.0f} s: {', '.join(waiting)}", logs)
            time.sleep(0.05)

    def _rotate_logs(self) -> None:
        """Keep the last run's logs beside this one's."""
        self.logs.mkdir(parents=True, exist_ok=True)
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.old"))

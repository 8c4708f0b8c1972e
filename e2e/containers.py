"""The compose stack under test: the real compose.yaml under a project name of its own."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path

from e2e import apache, collector, document_host, key_host, logout_host
from e2e.clients import ROOT, bootstrap_clients, bootstrap_scopes
from e2e.stack import OTHER_RESOURCE, REFRESH_GRACE, Stack, TlsProxy, answers
from stack.ports import Ports, free_port

PROJECT = f"tessera-e2e-{os.getpid()}"
FILES = [str(ROOT / "compose.yaml"), str(ROOT / "e2e" / "compose.yaml")]
SETUP = ["up --build --detach"]
CLEANUP = ["down --volumes --remove-orphans --rmi local"]
HOST = "host.docker.internal"
"""The machine that the tests run on, as containers call it."""
READY_SECONDS = 180.0
_SERVICES = ("authz", "idp", "rs")
_PROXY_PORTS = ("E2E_PROXY_AUTHZ_PORT", "E2E_PROXY_IDP_PORT", "E2E_PROXY_RS_PORT")
_ERASE_LINE = "\x1b[2K"
"""What compose writes before some lines of a log, whatever it is told about colours."""


class Containers:
    """The control of a compose stack."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._since = time.time()
        self._certificates: tempfile.TemporaryDirectory[str] | None = None

    def stack(self) -> Stack:
        """Where it answers."""
        authz, idp, rs = (self._ports.url(name) for name in _SERVICES)
        tls = {"authz_tls": self._ports.tls_url("authz"), "rs_tls": self._ports.tls_url("rs")}
        proxy = TlsProxy(*(f"https://localhost:{os.environ[name]}" for name in _PROXY_PORTS))
        mail = self._ports.url("mail")
        metrics = {name: self._ports.url(f"{name}_metrics") for name in _SERVICES}
        return Stack("compose", authz, idp, rs, REFRESH_GRACE, self, **tls, proxy=proxy, metrics=metrics, mail=mail)

    def is_ready(self) -> bool:
        """Whether all three services can serve, and the mailbox."""
        return all(answers(self._ports.url(name)) for name in (*_SERVICES, "mail"))

    def stop(self, *names: str) -> None:
        """Stop gracefully."""
        _compose("stop", *names)

    def kill(self, *names: str) -> None:
        """End with SIGKILL."""
        _compose("kill", "--signal", "SIGKILL", *names)

    def start(self, *names: str) -> None:
        """Start, and wait until each can serve."""
        for name in names:
            wait = () if name in _SERVICES else ("--wait",)  # a service is asked directly, which is faster
            _compose("up", "--detach", *wait, "--no-recreate", "--no-build", "--no-deps", name)
        self.wait_for(*(name for name in names if name in _SERVICES))

    def wait_for(self, *names: str) -> None:
        """Wait until the gateway has found the services too."""
        deadline = time.monotonic() + READY_SECONDS
        while not all(answers(self._ports.url(name)) for name in names):
            assert time.monotonic() < deadline, f"not ready: {names}"
            time.sleep(0.2)

    def scale(self, name: str, count: int) -> None:
        """Run that many containers of a service, as `--scale` does."""
        _compose(
            "up", "--detach", "--wait", "--no-recreate", "--no-build", "--no-deps", "--scale", f"{name}={count}", name
        )

    def running(self) -> set[str]:
        """The names of what runs now."""
        return set(_compose("ps", "--services", "--filter", "status=running").split())

    def log_lines(self, part: str) -> list[str]:
        """The log lines of all services that hold `part`."""
        lines = _compose("logs", "--no-color", *_SERVICES).splitlines()
        return [line.removeprefix(_ERASE_LINE) for line in lines if part in line]

    def certificates(self) -> Path:
        """Out of the volume that `provision` filled."""
        if self._certificates is None:
            self._certificates = tempfile.TemporaryDirectory(prefix="tessera-certificates-")
            for name in ("ca.pem", "ca.key", "demo-tls-client.pem", "demo-tls-client.key"):
                read = ("--entrypoint", "cat", "provision", f"/secrets/certificates/{name}")
                content = _compose("run", "--rm", "-T", "--no-deps", *read)
                (Path(self._certificates.name) / name).write_text(content)
        return Path(self._certificates.name)

    def operate(self, name: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """As an operator does: `docker compose exec authz python -m tessera_authz …`."""
        command = [*self.operator(name), *arguments]
        return subprocess.run(command, input=typed, capture_output=True, text=True, check=False)

    def operator(self, name: str) -> list[str]:
        """Its entry point, in its container."""
        return ["env", f"--chdir={ROOT}", *_compose_command("exec", "-T", name, "python", "-m", f"tessera_{name}")]

    def authz_replica(self, settings: Mapping[str, str]) -> AbstractContextManager[str]:
        """One more authz on the same data, in a container with a host port of its own."""
        return self._replica("authz", 8080, settings)

    def rs_replica(self, settings: Mapping[str, str]) -> AbstractContextManager[str]:
        """One more rs on the same data, likewise."""
        return self._replica("rs", 8082, settings)

    @contextmanager
    def _replica(self, service: str, inside: int, settings: Mapping[str, str]) -> Iterator[str]:
        port = free_port()
        name = f"{PROJECT}-replica-{port}"
        url = f"http://localhost:{port}"
        variables = [word for key, value in settings.items() for word in ("--env", f"{key}={value}")]
        publish = ("--publish", f"127.0.0.1:{port}:{inside}")
        _compose("run", "--detach", "--no-deps", "--name", name, *publish, *variables, service)
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not answers(url):
                assert time.monotonic() < deadline, _run("docker", "logs", name)
                time.sleep(0.1)
            yield url
        finally:
            _run("docker", "rm", "--force", name)


def choose_ports() -> Ports:
    """Free ports on the host, told to compose by its environment; the tests' own settings too."""
    ports = Ports.free()
    os.environ.update(
        **{f"{name.upper()}_PORT": str(port) for name, port in asdict(ports).items()},
        **{name: str(free_port()) for name in _PROXY_PORTS},
        E2E_BOOTSTRAP_CLIENTS=bootstrap_clients(HOST),
        E2E_ALLOWED_HOSTS=json.dumps(
            [f"{HOST}:{host.PORT}" for host in (key_host, document_host, logout_host, apache)]
        ),
        E2E_CA_FILE=str(document_host.write_authority(ROOT / "artifacts" / PROJECT)),
        E2E_BOOTSTRAP_SCOPES=bootstrap_scopes(),
        E2E_RESOURCES=json.dumps([ports.url("rs"), ports.tls_url("rs"), OTHER_RESOURCE]),
        E2E_REFRESH_GRACE_SECONDS=str(REFRESH_GRACE),
        E2E_COLLECTOR=f"http://{HOST}:{collector.PORT}",
    )
    return ports


def _compose(*arguments: str) -> str:
    return _run(*_compose_command(*arguments))


def _compose_command(*arguments: str) -> list[str]:
    files = [word for file in FILES for word in ("--file", file)]
    return ["docker", "compose", "--ansi", "never", *files, "--project-name", PROJECT, *arguments]


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout

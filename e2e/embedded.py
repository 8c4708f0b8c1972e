"""The embedded stack under test: the services as processes, measured by coverage from inside."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from e2e import apache, collector, document_host, key_host, logout_host
from e2e.clients import ROOT, bootstrap_clients, bootstrap_scopes
from e2e.measured import FOLDER
from e2e.proxy import PROXY_ADDRESS, tls_proxy
from e2e.stack import CLOCK_TOLERANCE, OTHER_RESOURCE, REFRESH_GRACE, Stack, answers
from stack.embedded import EmbeddedStack
from stack.embedded_environment import SERVICES, TLS_SERVICES, environment_of
from stack.ports import Ports, free_port
from stack.process import Process

_PLAIN = (sys.executable, "-m")
"""Runs what answers no requests: nothing is measured, which takes time."""


def measures() -> bool:
    """Whether the services run under coverage; `TESSERA_COVERAGE=0` switches it off."""
    return os.environ.get("TESSERA_COVERAGE", "1") == "1"


class Embedded:
    """The control of an embedded stack.

    Args:
        folder: Where its data live.
        settings: Of single services, laid over those of every test.
        is_measured: Whether the services run under coverage.

    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Mapping[str, str]] | None = None, *, is_measured: bool | None = None
    ) -> None:
        ports = Ports.free()
        is_measured = measures() if is_measured is None else is_measured
        runner = [sys.executable, "-m", *(["coverage", "run", "-m"] if is_measured else [])]
        python = dict.fromkeys((*SERVICES, "migrate"), runner)
        self._runner = runner
        own = _settings(ports, document_host.write_authority(folder / "trusted"))
        self._settings = {name: {**values, **(settings or {}).get(name, {})} for name, values in own.items()}
        self.whole = EmbeddedStack(folder, ports=ports, env=self._settings, python=python)

    @contextmanager
    def run(self) -> Iterator[Stack]:
        """Start it, and stop it gracefully at the end: only then is what was measured written."""
        with self.whole as whole, tls_proxy(whole) as proxy:
            ports = whole.ports
            tls = {"authz_tls": ports.tls_url("authz"), "rs_tls": ports.tls_url("rs")}
            urls = (whole.authz_url, whole.idp_url, whole.rs_url)
            metrics = {name: ports.url(f"{name}_metrics") for name in SERVICES}
            own = {"proxy": proxy, "metrics": metrics, "mail": ports.url("mail")}
            yield Stack("embedded", *urls, REFRESH_GRACE, self, **tls, **own)

    def stop(self, *names: str) -> None:
        """Stop gracefully."""
        self.whole.stop(*names)

    def kill(self, *names: str) -> None:
        """End with SIGKILL."""
        self.whole.kill(*names)

    def start(self, *names: str) -> None:
        """Start, and wait until each can serve."""
        self.whole.start(*names)

    def running(self) -> set[str]:
        """The names of what runs now."""
        return {name for name, process in self.whole.processes.items() if process.running}

    def log_lines(self, part: str) -> list[str]:
        """The log lines of all services that hold `part`."""
        logs = (log for service in SERVICES for log in sorted(self.whole.logs.glob(f"{service}*.log")))
        return [
            f"{log.stem}: {line}"
            for log in logs
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
            if part in line
        ]

    def certificates(self) -> Path:
        """As the stack made them."""
        return self.whole.servers.secrets / "certificates"

    def operate(self, name: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """As an operator does on the machine."""
        return subprocess.run(
            [*self.operator(name), *arguments], input=typed, capture_output=True, text=True, timeout=60, check=False
        )

    def operator(self, name: str) -> list[str]:
        """Its entry point, with the environment of this stack."""
        own = environment_of(name, self.whole.ports, self.whole.servers) | self._settings[name]
        return [
            "env",
            f"--chdir={ROOT}",
            *(f"{key}={value}" for key, value in own.items()),
            *self.command(name, runner=_PLAIN),
        ]

    def authz_replica(self, settings: Mapping[str, str]) -> AbstractContextManager[str]:
        """One more authz on the same data."""
        return self._replica("authz", settings)

    def rs_replica(self, settings: Mapping[str, str]) -> AbstractContextManager[str]:
        """One more rs on the same data."""
        return self._replica("rs", settings)

    @contextmanager
    def _replica(self, name: str, settings: Mapping[str, str]) -> Iterator[str]:
        port, prefix = free_port(), f"TESSERA_{name.upper()}"
        url = f"http://localhost:{port}"
        environment = self.environment(name) | {
            f"{prefix}_LISTEN__PORT": str(port),
            f"{prefix}_TLS__PORT": str(free_port()),
            f"{prefix}_METRICS__PORT": str(free_port()),
            **settings,
        }
        log = self.whole.logs / f"{name}-{port}.log"
        process = Process(f"{name} replica", self.command(name), log=log, environment=environment, cwd=ROOT)
        process.start()
        try:
            process.wait_until(lambda: answers(url), timeout=30)
            yield url
        finally:
            process.stop()

    def environment(self, name: str) -> dict[str, str]:
        """The environment that a service of this stack runs in."""
        return {**os.environ, **environment_of(name, self.whole.ports, self.whole.servers), **self._settings[name]}

    def command(self, name: str, config: Path | None = None, runner: Sequence[str] = ()) -> list[str]:
        """A service's entry point, as a user starts it; `runner` is what runs it, if not as the stack's services."""
        file = config or ROOT / "configs" / f"{name}.yml"
        return [*(runner or self._runner), f"tessera_{name}", "--config", str(file)]

    def start_alone(
        self, name: str, settings: Mapping[str, str], config: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a service that is expected to end by itself, with settings laid over the stack's."""
        prefix = f"TESSERA_{name.upper()}"
        ports = {f"{prefix}_LISTEN__PORT": str(free_port())}
        if name in TLS_SERVICES:
            ports[f"{prefix}_TLS__PORT"] = str(free_port())
        environment = {**self.environment(name), **ports, **settings}
        return subprocess.run(
            self.command(name, config, _PLAIN),
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def _settings(ports: Ports, ca_file: Path) -> dict[str, dict[str, str]]:
    """The tests' own settings, by service: what a user could give as well."""
    measured = {"COVERAGE_FILE": str(FOLDER / ".coverage")}
    proxies, local = json.dumps([f"{PROXY_ADDRESS}/32"]), json.dumps(["127.0.0.0/8"])
    fetched = json.dumps([f"localhost:{host.PORT}" for host in (key_host, document_host, logout_host, apache)])
    traces = collector.settings("127.0.0.1")
    return {
        "migrate": measured,
        "authz": {
            **measured,
            **traces["authz"],
            "TESSERA_AUTHZ_BOOTSTRAP_SCOPES": bootstrap_scopes(),
            "TESSERA_AUTHZ_CLIENT_CERTIFICATE_PROXIES": proxies,
            "TESSERA_AUTHZ_TRUSTED_PROXIES": local,
            "TESSERA_AUTHZ_BOOTSTRAP_CLIENTS": bootstrap_clients("localhost"),
            "TESSERA_AUTHZ_FETCH__ALLOWED_HOSTS": fetched,
            "TESSERA_AUTHZ_FETCH__CA_FILE": str(ca_file),
            "TESSERA_AUTHZ_REGISTRATION__PER_SOURCE_PER_HOUR": "1000",
            "TESSERA_AUTHZ_RESOURCES": json.dumps([ports.url("rs"), ports.tls_url("rs"), OTHER_RESOURCE]),
            "TESSERA_AUTHZ_LIFETIMES__REFRESH_GRACE_SECONDS": str(REFRESH_GRACE),
        },
        "idp": {
            **measured,
            **traces["idp"],
            "TESSERA_IDP_CLIENT_CERTIFICATE_PROXIES": proxies,
            "TESSERA_IDP_TRUSTED_PROXIES": local,
            "TESSERA_IDP_FETCH__ALLOWED_HOSTS": fetched,
            "TESSERA_IDP_CLOCK_TOLERANCE_SECONDS": str(CLOCK_TOLERANCE),
        },
        "rs": {
            **measured,
            **traces["rs"],
            "TESSERA_RS_CLIENT_CERTIFICATE_PROXIES": proxies,
            "TESSERA_RS_CLOCK_TOLERANCE_SECONDS": str(CLOCK_TOLERANCE),
        },
    }

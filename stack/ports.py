"""The services' ports on the host, and free ports for everything else."""

import fcntl
import os
import secrets
import socket
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO

from stack.errors import StackError

__all__ = ["HOST", "Ports", "free_port", "is_free"]

HOST = "127.0.0.1"
CANDIDATES = range(15000, 30000)
"""Below what systems hand out to outgoing connections, so that nothing else takes the port while its server is down."""

_RESERVED: list[IO[str]] = []
"""The open lock files of the ports that this process was given: tests choose ports in several processes at once."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the services are reached from the host, and the mailbox: `mail` shows mails, `smtp` takes them."""

    authz: int = 8080
    idp: int = 8081
    rs: int = 8082
    authz_tls: int = 8443
    rs_tls: int = 8444
    mail: int = 8025
    smtp: int = 1025
    authz_metrics: int = 9080
    idp_metrics: int = 9081
    rs_metrics: int = 9082

    @classmethod
    def from_environment(cls) -> "Ports":
        """AUTHZ_PORT, IDP_PORT, RS_TLS_PORT, AUTHZ_METRICS_PORT and the like, as compose.yaml reads them."""
        chosen: dict[str, int] = {}
        for field in fields(cls):
            value = os.environ.get(f"{field.name.upper()}_PORT", "")
            if value and not (value.isdecimal() and 0 < int(value) < 2**16):
                raise StackError(f"{field.name.upper()}_PORT={value}: not a port")
            if value:
                chosen[field.name] = int(value)
        return cls(**chosen)

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nothing uses now."""
        return cls(*(free_port() for _ in fields(cls)))

    def url(self, service: str) -> str:
        """The service's public URL."""
        return f"http://localhost:{getattr(self, service)}"

    def tls_url(self, service: str) -> str:
        """The public URL of its TLS port."""
        return f"https://localhost:{getattr(self, f'{service}_tls')}"

    def check_free(self) -> None:
        """Refuse ports that another program holds.

        Raises:
            StackError: Names the first one and the variable that changes it.

        """
        for field in fields(self):
            port = getattr(self, field.name)
            if not is_free(port):
                variable = f"{field.name.upper()}_PORT"
                raise StackError(f"port {port} for {field.name} is taken; choose another with {variable}=…")


def free_port() -> int:
    """A port on the loopback interface that nothing uses now, and that no other process of this user was given."""
    for _ in range(200):
        port = secrets.choice(CANDIDATES)
        if is_free(port) and _reserve(port):
            return port
    raise StackError(f"no free port between {CANDIDATES.start} and {CANDIDATES.stop}")


def _reserve(port: int) -> bool:
    """Whether this process has the port's lock from now on, until it ends."""
    folder = Path(tempfile.gettempdir()) / f"tessera-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = (folder / str(port)).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return False
    _RESERVED.append(lock)
    return True


def is_free(port: int) -> bool:
    """Whether a server could open this port on the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True

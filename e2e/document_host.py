"""A web server of the tests' own that speaks TLS, where clients keep their metadata documents."""

import json
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from e2e.certificates import Wanted, authority, issue
from e2e.key_host import Answer, KeyHost, key_host
from stack.ports import free_port

PORT = free_port()
"""The stack is told of it before the server runs."""
NAMES = ("localhost", "host.docker.internal")
"""The machine that the tests run on, as processes and containers call it."""

_AUTHORITY = authority("CN=Documents CA")


@dataclass(frozen=True, slots=True)
class DocumentHost:
    """Publishes documents at addresses that the stack can fetch."""

    origin: str
    host: KeyHost

    def publish(self, path: str, **metadata: Any) -> str:
        """Publish a client ID metadata document; its address is the client_id that it names."""
        client_id = self.origin + path
        content = json.dumps({"client_id": client_id, **metadata}).encode()
        self.host.answers[path] = Answer(content, headers={"content-type": "application/json"})
        return client_id


def write_authority(folder: Path) -> Path:
    """The certificate of the authority that the stack must trust, readable by the services' users."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "documents-ca.pem"
    path.write_text(_AUTHORITY.pem)
    path.chmod(0o644)
    return path


@contextmanager
def document_host(*, outside: bool) -> Iterator[DocumentHost]:
    """Run it: for processes of this machine, or for containers."""
    with key_host(outside=outside, port=PORT, tls=_context()) as host:
        yield DocumentHost(f"https://{NAMES[outside]}:{PORT}", host)


def _context() -> ssl.SSLContext:
    names = tuple(x509.DNSName(name) for name in NAMES)
    own = issue(Wanted(subject="CN=documents", san=names, usage=(ExtendedKeyUsageOID.SERVER_AUTH,)), _AUTHORITY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(*own.write(Path(folder)))
    return context

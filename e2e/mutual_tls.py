"""What a client with a certificate does: requests by TLS, with this certificate or another."""

import ipaddress
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from e2e.certificates import Pair, Wanted, client_context, issue, read
from e2e.clients import SELF_SIGNED_CERTIFICATE, TLS_NAMES
from e2e.stack import Stack

TLS_FAILURES = (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)


@dataclass(frozen=True, slots=True)
class Certificates:
    """The demo authority, the demo client's certificate, and whatever the authority shall issue."""

    ca: Pair
    demo: Pair

    @classmethod
    def of(cls, folder: Path) -> "Certificates":
        """As `make certs` makes them."""
        client = folder / "demo-tls-client.pem", folder / "demo-tls-client.key"
        return cls(read(folder / "ca.pem", folder / "ca.key"), read(*client))

    def named(self) -> Pair:
        """One certificate with the subjects of all clients of `TLS_NAMES`."""
        names = (
            x509.DNSName(TLS_NAMES["tls_client_auth_san_dns"]),
            x509.UniformResourceIdentifier(TLS_NAMES["tls_client_auth_san_uri"]),
            x509.IPAddress(ipaddress.ip_address(TLS_NAMES["tls_client_auth_san_ip"])),
            x509.RFC822Name(TLS_NAMES["tls_client_auth_san_email"]),
        )
        subject = TLS_NAMES["tls_client_auth_subject_dn"]
        return issue(Wanted(subject=subject, san=names, usage=(ExtendedKeyUsageOID.CLIENT_AUTH,)), self.ca)


@dataclass(slots=True)
class Caller:
    """Opens connections that show a certificate; all are closed at the end of the test."""

    stack: Stack
    certificates: Certificates
    add_request_id: Callable[[httpx.Request], None]
    _open: ExitStack = field(default_factory=ExitStack)

    def by(self, own: Pair | None, *, http2: bool = False) -> httpx.Client:
        """A client that shows this certificate."""
        context = client_context(self.certificates.ca, own)
        hooks = {"request": [self.add_request_id]}
        client = httpx.Client(verify=context, http2=http2, timeout=30, trust_env=False, event_hooks=hooks)
        return self._open.enter_context(client)

    def token(self, own: Pair | None, client_id: str, *, base: str | None = None, **form: str) -> httpx.Response:
        """A token request of a client for itself."""
        parameters = {"grant_type": "client_credentials", "scope": "profile", "client_id": client_id, **form}
        return self.by(own).post(f"{base or self.stack.authz_tls}/oauth2/v1/token", data=parameters)

    def resource(self, own: Pair | None, token: str, *, base: str | None = None) -> httpx.Response:
        """Call the resource server."""
        headers = {"authorization": f"Bearer {token}"}
        return self.by(own).get(f"{base or self.stack.rs_tls}/resource", headers=headers)

    def is_refused_by_tls(self, own: Pair, url: str) -> bool:
        """Whether a connection with this certificate does not even come to an answer."""
        try:
            self.by(own).get(f"{url}/health")
        except TLS_FAILURES:
            return True
        return False

    def seconds_until(self, own: Pair, url: str, *, refused: bool) -> float:
        """How long it takes until connections with this certificate are refused, or are answered."""
        started = time.monotonic()
        while self.is_refused_by_tls(own, url) is not refused:
            assert time.monotonic() - started < 10, "never"
            time.sleep(0.02)
        return time.monotonic() - started

    def close(self) -> None:
        """Close all connections."""
        self._open.close()


def spoofed_headers(victim: Pair = SELF_SIGNED_CERTIFICATE) -> Iterator[dict[str, str]]:
    """Header fields with which somebody without the key might claim a certificate."""
    escaped = victim.pem.replace("\n", "%0A").replace(" ", "%20").replace("+", "%2B")
    fingerprint = victim.certificate.fingerprint(victim.certificate.signature_hash_algorithm).hex()  # type: ignore[arg-type]
    for name, value in (
        ("Client-Cert", victim.header),
        ("client-cert", victim.header),
        ("CLIENT-CERT", victim.header),
        ("Client_Cert", victim.header),
        ("Client-Cert", victim.x5c),
        ("X-Client-Cert", victim.header),
        ("X-SSL-Client-Cert", escaped),
        ("X-Forwarded-Client-Cert", f"Hash={fingerprint};Cert={escaped}"),
        ("X-Forwarded-TLS-Client-Cert", victim.x5c),
        ("SSL-Client-Cert", escaped),
        ("SSL_CLIENT_CERT", victim.x5c),
    ):
        yield {name: value}
    yield {"Client-Cert": victim.header, "X-Forwarded-For": "10.0.0.1"}
    yield {"Client-Cert": victim.header, "X-Forwarded-For": "127.0.0.2", "X-Real-IP": "127.0.0.2"}
    yield {"Client-Cert": victim.header, "Forwarded": "for=127.0.0.2;proto=https"}
    yield {"Client-Cert": victim.header, "X-Forwarded-Proto": "https", "X-SSL-Client-Verify": "SUCCESS"}
    yield {"Client-Cert": victim.header, "Client-Cert-Chain": victim.header}
    yield {"Connection": "client-cert", "Client-Cert": victim.header}

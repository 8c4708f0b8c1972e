"""The TLS proxy in front of an embedded stack, where HAProxy is installed; the compose stack has it in a container."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from e2e.clients import ROOT
from e2e.stack import TlsProxy
from stack.embedded import EmbeddedStack
from stack.ports import HOST, free_port, is_free
from stack.process import Process

PROXY_ADDRESS = "127.0.0.2"
"""Where requests of a proxy come from, told by `client_certificate_proxies`; those of the tests come from 127.0.0.1."""


@contextmanager
def tls_proxy(whole: EmbeddedStack) -> Iterator[TlsProxy | None]:
    """Run it beside the stack."""
    haproxy = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if haproxy is None:
        yield None
        return
    ports = {service: free_port() for service in ("authz", "idp", "rs")}
    secrets = whole.servers.secrets
    environment = {
        "PROXY_CERTIFICATE": str(secrets / "authz" / "tls_certificate.pem"),
        "PROXY_KEY": str(secrets / "authz" / "tls_key.pem"),
        "PROXY_CA": str(secrets / "certificates" / "ca.pem"),
        "PROXY_HOST": HOST,
        "PROXY_SOURCE": PROXY_ADDRESS,
        **{f"PROXY_{service.upper()}_PORT": str(port) for service, port in ports.items()},
        **{f"PROXY_TO_{service.upper()}": f"{HOST}:{getattr(whole.ports, service)}" for service in ports},
    }
    command = [haproxy, "-db", "-f", str(ROOT / "e2e" / "tls-proxy.cfg")]
    log = whole.logs / "tls-proxy.log"
    process = Process("tls proxy", command, log=log, environment={**os.environ, **environment}, cwd=ROOT)
    process.start()
    try:
        process.wait_until(lambda: not any(is_free(port) for port in ports.values()), timeout=20)
        yield TlsProxy(*(f"https://localhost:{port}" for port in ports.values()))
    finally:
        process.stop()


def http_from_a_proxy() -> httpx.Client:
    """Connections that come from the proxy's address on the loopback interface."""
    return httpx.Client(transport=httpx.HTTPTransport(local_address=PROXY_ADDRESS), timeout=30)

"""The TLS extension of ASGI: what a handshake showed, in the scope of each request on the connection."""

import ssl
from typing import Any

from cryptography import x509
from starlette.types import ASGIApp, Receive, Scope, Send

_VERSIONS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
"""RFC 8446 §4.2.1."""


def with_tls_extension(app: ASGIApp, connection: ssl.SSLObject) -> ASGIApp:
    """The application for one connection, whose scopes hold `extensions["tls"]`."""
    extension = _extension(connection)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {**scope.get("extensions", {}), "tls": extension}
        await app({**scope, "extensions": extensions}, receive, send)

    return serve


def _extension(connection: ssl.SSLObject) -> dict[str, Any]:
    chain = client_chain(connection)
    cipher = connection.cipher()
    names = [x509.load_der_x509_certificate(der).subject.rfc4514_string() for der in chain[:1]]
    return {
        "server_cert": None,  # not needed here, and Python's ssl does not tell it
        "client_cert_chain": [ssl.DER_cert_to_PEM_cert(der) for der in chain],
        "client_cert_name": names[0] if names else None,
        "client_cert_error": None,  # a certificate that fails verification ends the handshake
        "tls_version": _VERSIONS.get(connection.version() or ""),
        "cipher_suite": _suite(connection.context, cipher[0] if cipher else ""),
    }


def client_chain(connection: ssl.SSLObject) -> list[bytes]:
    """What the client sent, DER: its certificate, then the others; nothing where it sent none."""
    certificate = connection.getpeercert(binary_form=True)
    if certificate is None:
        return []
    if hasattr(connection, "get_unverified_chain"):  # Python 3.13
        chain = list(connection.get_unverified_chain())
    else:
        sent = connection._sslobj.get_unverified_chain()  # type: ignore[attr-defined] # noqa: SLF001 - until then
        chain = [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in sent]
    return [certificate, *(der for der in chain if der != certificate)]


def _suite(context: ssl.SSLContext, name: str) -> int | None:
    """The cipher suite's number in IANA's registry; OpenSSL's ids hold it in their lower 16 bits."""
    numbers = (cipher["id"] & 0xFFFF for cipher in context.get_ciphers() if cipher["name"] == name)
    return next(numbers, None)

"""The settings of a TLS port (RFC 9325): TLS 1.2 or newer, forward secrecy, a client certificate where there is one.

Python's ssl ends a handshake with a certificate that it cannot verify. So whatever shall pass is a trust anchor here:
the configured authorities, and each registered self-signed certificate by itself.
"""

import ssl
from collections.abc import Iterable

from cryptography.hazmat.primitives.serialization import Encoding

from tessera_shared import logging
from tessera_shared.config import Tls
from tessera_shared.mutual_tls.anchors import Anchors

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2 (RFC 9325 §4.2); those of TLS 1.3 are all right."""


def server_context(config: Tls, anchors: Anchors, registered: Iterable[bytes]) -> ssl.SSLContext:
    """Make the context.

    Args:
        config: Names the server's certificate and key.
        anchors: Authorities whose client certificates are accepted.
        registered: Self-signed certificates that are accepted, DER.

    Raises:
        OSError: The server's certificate or key cannot be read (ssl.SSLError is one).

    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.load_cert_chain(config.certificate_file, config.key_file, password=_no_password)
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    context.sslobject_class = _Connection
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for der in (*(anchor.public_bytes(Encoding.DER) for anchor in anchors), *registered):
        _trust(context, der)
    return context


def _trust(context: ssl.SSLContext, der: bytes) -> None:
    try:
        context.load_verify_locations(cadata=der)
    except ssl.SSLError as error:  # OpenSSL is stricter here and there than who read it before
        logging.get().warning("tls: certificate not usable", reason=str(error))


def _no_password() -> str:
    """Instead of asking for one at the terminal."""
    return ""


class _Connection(ssl.SSLObject):
    """A connection that says why a client's certificate was refused: asyncio says nothing, and TLS 1.3 little more."""

    def do_handshake(self) -> None:
        """Begin."""
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            logging.get().info("tls: client certificate refused", reason=error.verify_message)
            raise


class LiveContext(ssl.SSLContext):
    """What a port is opened with: each new connection gets the newest settings.

    asyncio calls `wrap_bio` for each connection. A context forgets no certificate, so what is to be forgotten makes a
    new one. And it resumes sessions of its own only (TLS 1.2): a connection never brings along a certificate that was
    verified when more was trusted.
    """

    _newest: ssl.SSLContext

    @classmethod
    def of(cls, newest: ssl.SSLContext) -> "LiveContext":
        """One that begins with these settings."""
        live = cls(ssl.PROTOCOL_TLS_SERVER)
        live.renew(newest)
        return live

    def renew(self, newest: ssl.SSLContext) -> None:
        """Use these settings for connections that begin from now on."""
        self._newest = newest

    def add(self, registered: Iterable[bytes]) -> None:
        """Accept these certificates too, from now on."""
        for der in registered:
            _trust(self._newest, der)

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - ssl's own
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin a connection."""
        return self._newest.wrap_bio(incoming, outgoing, server_side, server_hostname, session)

"""The self-signed certificates that clients have registered (RFC 8705 §2.2), as every service may read them.

A view tells the certificates alone, not whose they are: a TLS port needs no more to let a handshake pass.
"""

import base64
import binascii
from collections.abc import Iterable

from cryptography import x509

from tessera_shared.db import Database
from tessera_shared.mutual_tls.anchors import Anchors
from tessera_shared.mutual_tls.distinguished_name import canonical

CHANNEL = "client_changed"
"""Notified at every change of a client."""

LOAD = "SELECT x5c FROM authz.client_certificates"


async def load_registered(database: Database) -> frozenset[str]:
    """Every registered certificate: base64 of the DER, as in `x5c` (RFC 7517 §4.7), not checked yet."""
    return frozenset(row["x5c"] for row in await database.fetch(LOAD))


def trustworthy(registered: Iterable[str], anchors: Anchors) -> list[bytes]:
    """Those that a handshake may trust, DER.

    OpenSSL finds issuers by name and does not look for another one when the signature is wrong. So whoever registers
    a certificate under an authority's name would shut out that authority's clients: it is left out, and so is one
    that is not self-issued. Nobody gains rights by being trusted here; the application judges each certificate.
    """
    taken = {canonical(anchor.subject) for anchor in anchors}
    found = []
    for text in registered:
        try:
            der = base64.b64decode(text, validate=True)
            certificate = x509.load_der_x509_certificate(der)
            subject, issuer = canonical(certificate.subject), canonical(certificate.issuer)
        except (binascii.Error, ValueError):
            continue
        if subject == issuer and subject not in taken:
            found.append(der)
    return sorted(found)

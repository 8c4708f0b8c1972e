"""The certificate that a client presents: of the TLS connection here, or of one that ends at a proxy (RFC 9440)."""

import base64
import binascii
import re
import ssl
from collections.abc import Sequence

from cryptography import x509
from starlette.types import Scope

from tessera_shared.errors import OAuthError
from tessera_shared.http.headers import Network, is_peer_in
from tessera_shared.mutual_tls.certificate import ClientCertificate

FIELDS = (b"client-cert", b"client-cert-chain")
_BYTE_SEQUENCE = re.compile(r":([A-Za-z0-9+/]*={0,2}):")
"""RFC 8941 §3.3.5."""


def presented_certificate(scope: Scope, proxies: Sequence[Network]) -> ClientCertificate | None:
    """The client's certificate, from whichever end of TLS may be believed.

    On a TLS port of this server the connection alone counts. On the plain port the header counts, from the configured
    proxies; from anyone else it means nothing.

    Args:
        scope: The request's ASGI scope.
        proxies: Networks whose `Client-Cert` is believed.

    Raises:
        OAuthError: invalid_request: a configured proxy sent something else than RFC 9440 describes.

    """
    connection = scope.get("extensions", {}).get("tls")
    if connection is not None:
        chain = [ssl.PEM_cert_to_DER_cert(pem) for pem in connection["client_cert_chain"]]
        return ClientCertificate(chain[0], tuple(chain[1:])) if chain else None
    if not proxies or not is_peer_in(scope, proxies):
        return None
    values = _values(scope, b"client-cert")
    if not values:
        return None
    if len(values) > 1:
        raise _malformed("RFC 9440 §2.2", "one Client-Cert", f"{len(values)}")
    chain_values = [item for value in _values(scope, b"client-cert-chain") for item in value.split(",")]
    return ClientCertificate(_decode(values[0]), tuple(_decode(item) for item in chain_values))


def without_certificate_fields(scope: Scope) -> Scope:
    """The scope without the header fields of RFC 9440: who comes after this has no business with them."""
    if not any(name in FIELDS for name, _ in scope["headers"]):
        return scope
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name not in FIELDS]}


def _values(scope: Scope, field: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == field]


def _decode(item: str) -> bytes:
    """A certificate as RFC 9440 §2.1 writes it: a byte sequence without parameters."""
    sequence = _BYTE_SEQUENCE.fullmatch(item.strip(" \t"))
    if sequence is None:
        raise _malformed("RFC 9440 §2.1", "a byte sequence", "something else")
    try:
        der = base64.b64decode(sequence[1], validate=True)
        x509.load_der_x509_certificate(der)
    except (binascii.Error, ValueError) as error:
        raise _malformed("RFC 9440 §2.1", "a certificate", type(error).__name__) from error
    return der


def _malformed(section: str, expected: str, received: str) -> OAuthError:
    return OAuthError(
        "invalid_request",
        "The client certificate that the proxy tells of cannot be read.",
        section=section,
        expected=expected,
        received=received,
    )

"""A client's certificate (RFC 5280), and the thumbprint that tokens are bound to (RFC 8705 §3.1)."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_LEAST_RSA_BITS = 2048
"""RFC 9325 §4.5."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate whose private key the other end holds: the TLS handshake proved that, and nothing else.

    Attributes:
        der: The certificate, DER.
        chain: The other certificates that came with it, DER, in the order they came.

    """

    der: bytes
    chain: tuple[bytes, ...] = ()

    @property
    def x5t_s256(self) -> str:
        """SHA-256 of the DER, base64url without padding (RFC 8705 §3.1)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.der).digest()).rstrip(b"=").decode("ascii")

    @property
    def public_key(self) -> bytes | None:
        """Its SubjectPublicKeyInfo, DER; None for a kind of key that is not known here."""
        try:
            key = x509.load_der_x509_certificate(self.der).public_key()
            return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except (ValueError, UnsupportedAlgorithm):
            return None


def has_weak_key(certificate: x509.Certificate) -> bool:
    """Whether its key is too small to prove anything; handshakes here refuse such keys, proxies may not."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):  # of a kind that is not known here
        return True
    return isinstance(key, RSAPublicKey) and key.key_size < _LEAST_RSA_BITS

"""self_signed_tls_client_auth: a certificate that the client registered itself, in its key set (RFC 8705 §2.2)."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography import x509

from tessera_authz.client_auth.credentials import ClientIdAlone
from tessera_authz.client_auth.method import Method, Problem, Verifiers, client_id_alone
from tessera_authz.store.clients import ClientRecord
from tessera_shared.jose.keys import public_key_info
from tessera_shared.mutual_tls.certificate import ClientCertificate, has_weak_key


async def verify(credentials: ClientIdAlone, record: ClientRecord, by: Verifiers, now: datetime) -> Problem:
    """Find the certificate among the client's own, and check its times."""
    certificate = credentials.certificate
    if certificate is None:
        return "a client certificate"
    if not await by.keys.holds(record.client, lambda key: _is_key_of(key, certificate), now):
        return "a certificate of the client's jwks"
    read = x509.load_der_x509_certificate(certificate.der)
    if not read.not_valid_before_utc <= now <= read.not_valid_after_utc:  # RFC 5280 §4.1.2.5
        return f"a certificate that is valid at {now.isoformat()}"
    if has_weak_key(read):
        return "an RSA key of 2048 bits or more"
    return None


def _is_key_of(key: Mapping[str, Any], certificate: ClientCertificate) -> bool:
    """Whether a key is the certificate's: the very certificate where the key names one (RFC 7517 §4.7)."""
    if key.get("use", "sig") != "sig":
        return False
    x5c = key.get("x5c")
    if x5c is None:
        info = public_key_info(key)
        return info is not None and info == certificate.public_key
    try:
        return base64.b64decode(x5c[0], validate=True) == certificate.der
    except (binascii.Error, ValueError, TypeError, LookupError):
        return False


METHOD = Method("self_signed_tls_client_auth", client_id_alone, verify)

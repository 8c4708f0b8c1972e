"""Whether a request shows what its access token is bound to (RFC 7800): a client certificate (RFC 8705 §3)."""

import hmac
from collections.abc import Mapping
from typing import Any

from tessera_shared.jose.jwt import InvalidToken
from tessera_shared.mutual_tls.certificate import ClientCertificate


def check_certificate(claims: Mapping[str, Any], certificate: ClientCertificate | None) -> None:
    """Compare the certificate of the request with the one that the token names.

    Raises:
        InvalidToken: The token is bound to a certificate, and the request has none or another one.

    """
    match claims.get("cnf"):
        case {"x5t#S256": bound_to}:
            pass
        case _:
            return
    expected = "the certificate that the token is bound to"
    if certificate is None:
        raise InvalidToken("cnf", section="RFC 8705 §3", expected=expected, received="no certificate")
    if not hmac.compare_digest(str(bound_to).encode(), certificate.x5t_s256.encode()):
        raise InvalidToken("cnf", section="RFC 8705 §3", expected=expected, received="another certificate")

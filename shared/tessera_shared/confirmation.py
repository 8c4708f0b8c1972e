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
            shown = "" if certificate is None else certificate.x5t_s256
            if certificate is None or not hmac.compare_digest(str(bound_to).encode(), shown.encode()):
                raise InvalidToken(
                    "cnf",
                    section="RFC 8705 §3",
                    expected="the certificate that the token is bound to",
                    received="no certificate" if certificate is None else "another one",
                )
        case _:
            return

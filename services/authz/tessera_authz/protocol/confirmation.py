"""What a token is bound to (RFC 7800): a DPoP key (RFC 9449 §6) or a client certificate (RFC 8705 §3.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from tessera_authz.protocol.client import Client
from tessera_shared.errors import OAuthError


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The `cnf` of a token.

    Attributes:
        jkt: RFC 7638 SHA-256 thumbprint of the DPoP key.
        x5t_s256: SHA-256 of the certificate's DER, base64url.

    """

    jkt: str | None = None
    x5t_s256: str | None = None

    def claim(self) -> Mapping[str, str]:
        """As the `cnf` claim's members."""
        members = {"jkt": self.jkt, "x5t#S256": self.x5t_s256}
        return {name: value for name, value in members.items() if value is not None}

    @property
    def token_type(self) -> str:
        """RFC 9449 §5: a token bound to a DPoP key is not a Bearer token; one bound to a certificate still is."""
        return "Bearer" if self.jkt is None else "DPoP"


UNBOUND = Confirmation()


def confirm(client: Client, proof_jkt: str | None, certificate_x5t: str | None) -> Confirmation:
    """Decide what the tokens of this request are bound to.

    Args:
        client: Its settings say what it needs.
        proof_jkt: The key of a valid DPoP proof in the request.
        certificate_x5t: The certificate of the TLS connection.

    Raises:
        OAuthError: The client's tokens must be bound, and the request shows nothing to bind them to.

    """
    if client.dpop_bound_access_tokens and proof_jkt is None:  # RFC 9449 §5.2
        raise OAuthError(
            "invalid_dpop_proof", "This client must use DPoP.", section="RFC 9449 §5.2", expected="a DPoP proof"
        )
    wants_certificate = client.tls_client_certificate_bound_access_tokens or (
        client.sender_constrained_access_tokens and proof_jkt is None
    )
    if wants_certificate and certificate_x5t is None:  # RFC 8705 §3.4, FAPI 2.0 §5.3.2.1
        raise OAuthError(
            "invalid_request",
            "This client's tokens must be bound to a key or certificate.",
            section="RFC 8705 §3",
            expected="a client certificate" + (" or a DPoP proof" if client.sender_constrained_access_tokens else ""),
            received="neither",
        )
    return Confirmation(proof_jkt, certificate_x5t if wants_certificate else None)

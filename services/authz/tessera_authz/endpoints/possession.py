"""What a request proves to hold, for its tokens to be bound to: a DPoP key (RFC 9449), a certificate (RFC 8705 §3)."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from tessera_authz.protocol.client import AuthenticatedClient
from tessera_authz.protocol.confirmation import Confirmation, confirm
from tessera_shared.dpop import ALGS, Expected, InvalidProof, NonceNeeded, ProofVerifier
from tessera_shared.http.dpop import give_nonce, invalid_proof, nonce_needed, proof_of


@dataclass(frozen=True, slots=True)
class Possession:
    """Looks at what requests prove to hold.

    Attributes:
        proofs: Verifies DPoP proofs.
        base_urls: This server's public URLs, which proofs name; never those of a Host header.

    """

    proofs: ProofVerifier
    base_urls: tuple[str, ...]

    async def confirm(self, request: Request, client: AuthenticatedClient, now: datetime) -> Confirmation:
        """What the tokens of a token request are bound to.

        Raises:
            OAuthError: The client's tokens must be bound, and the request shows nothing to bind them to; or what it
                shows is not valid.

        """
        certificate = request.state.client_certificate
        x5t_s256 = None if certificate is None else certificate.x5t_s256
        return confirm(client, await self.proven_key(request, client, now), x5t_s256)

    async def proven_key(self, request: Request, client: AuthenticatedClient, now: datetime) -> str | None:
        """The thumbprint of the key of the request's DPoP proof; None where it has none.

        Raises:
            OAuthError: invalid_dpop_proof, use_dpop_nonce (RFC 9449 §5, §8).
            Unavailable: Whether the proof was used before cannot be known.

        """
        try:
            text = proof_of(request)
            if text is not None or client.dpop_bound_access_tokens:
                give_nonce(request, self.proofs.nonces, now)
            if text is None:
                return None
            urls = [base + request.url.path for base in self.base_urls]
            algs = [alg for alg in ALGS if alg in client.signing_algs]  # FAPI 2.0 §5.4.1: of a fapi2 client fewer
            return (await self.proofs.verify(text, Expected(request.method, urls, algs), now)).jkt
        except InvalidProof as error:
            raise invalid_proof(error, at_resource=False) from error
        except NonceNeeded as error:
            raise nonce_needed(at_resource=False) from error

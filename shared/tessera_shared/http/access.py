"""Access to a protected resource: a valid token (RFC 9068 §4), and possession of what it is bound to (RFC 7800)."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from tessera_shared.access_token import AccessTokenVerifier, RevocationUnknown
from tessera_shared.confirmation import check_certificate
from tessera_shared.dpop import Expected, InvalidProof, NonceNeeded, ProofVerifier
from tessera_shared.errors import Unavailable
from tessera_shared.http import bearer
from tessera_shared.http.bearer import PresentedToken
from tessera_shared.http.dpop import give_nonce, invalid_proof, nonce_needed, proof_of
from tessera_shared.jose.jwt import InvalidToken, VerifiedClaims


@dataclass(frozen=True, slots=True)
class Access:
    """Lets requests in.

    Attributes:
        tokens: Verifies access tokens.
        proofs: Verifies DPoP proofs.
        base_urls: This service's public URLs, which proofs name; never those of a Host header.

    """

    tokens: AccessTokenVerifier
    proofs: ProofVerifier
    base_urls: tuple[str, ...]

    async def claims_of(self, request: Request, token: PresentedToken, now: datetime) -> VerifiedClaims:
        """The claims of the request's access token.

        Raises:
            OAuthError: The token is not valid here, or the request does not prove to hold what it is bound to.
            Unavailable: Whether the token was revoked, or a proof used before, cannot be known.

        """
        if token.scheme == "DPoP":
            give_nonce(request, self.proofs.nonces, now)
        try:
            claims = await self.tokens.verify(token.value, now)
            check_certificate(claims, request.state.client_certificate)
            jkt = _bound_key(claims, token)
        except InvalidToken as error:
            raise bearer.invalid(error, token.scheme) from error
        except RevocationUnknown as error:
            raise Unavailable("revocations cannot be known: neither stream, database nor introspection") from error
        if jkt is not None:
            await self._check_proof(request, token, jkt, now)
        return claims

    async def _check_proof(self, request: Request, token: PresentedToken, jkt: str, now: datetime) -> None:
        urls = [base + request.url.path for base in self.base_urls]
        expected = Expected(request.method, urls, access_token=token.value, jkt=jkt)
        try:
            text = proof_of(request)
            if text is None:
                raise InvalidProof("header", "a DPoP header", "none")
            await self.proofs.verify(text, expected, now)
        except InvalidProof as error:
            raise invalid_proof(error, at_resource=True) from error
        except NonceNeeded as error:
            raise nonce_needed(at_resource=True) from error


def _bound_key(claims: VerifiedClaims, token: PresentedToken) -> str | None:
    """The key that a proof must be made with; none for a Bearer token (RFC 9449 §7.1, §7.2).

    Raises:
        InvalidToken: The scheme is not the token's.

    """
    confirmation = claims.get("cnf")
    jkt = confirmation.get("jkt") if isinstance(confirmation, dict) else None
    match jkt, token.scheme:
        case None, "Bearer":
            return None
        case str(), "DPoP":
            return str(jkt)
        case None, _:
            raise InvalidToken(
                "cnf", section="RFC 9449 §7.1", expected="a token that is bound to a key", received="none"
            )
        case _:
            raise InvalidToken("scheme", section="RFC 9449 §7.2", expected="DPoP for a bound token", received="Bearer")

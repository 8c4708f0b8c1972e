"""DPoP in HTTP (RFC 9449): the one header that holds a proof, and the nonce that every answer to one carries."""

from datetime import datetime

from starlette.requests import Request

from tessera_shared.dpop import InvalidProof, Nonces
from tessera_shared.errors import OAuthError
from tessera_shared.http import challenge

NONCE_HEADER = "dpop-nonce"


def proof_of(request: Request) -> str | None:
    """The proof of a request, or None where it has none.

    Raises:
        InvalidProof: There is more than one DPoP header (§4.3 (1)).

    """
    values = request.headers.getlist("dpop")
    if len(values) > 1:
        raise InvalidProof("header", "one DPoP header", f"{len(values)}")
    return values[0] if values else None


def give_nonce(request: Request, nonces: Nonces, now: datetime) -> None:
    """Put the current nonce into the answer, whatever it will be, so that the client always has it (§8.2)."""
    request.state.answer_headers[NONCE_HEADER] = nonces.current(now)


def invalid_proof(error: InvalidProof, *, at_resource: bool) -> OAuthError:
    """A proof that failed a check; the answer never says which one, the log does (§5, §7.1)."""
    description = "The DPoP proof is missing or not valid for this request."
    told = challenge.of_error("DPoP", "invalid_dpop_proof", description)
    return OAuthError(
        "invalid_dpop_proof",
        description,
        status=401 if at_resource else 400,
        section="RFC 9449 §4.3",
        expected=f"{error.check}: {error.expected}",
        received=error.received,
        headers={"www-authenticate": told} if at_resource else {},
    )


def nonce_needed(*, at_resource: bool) -> OAuthError:
    """The client shall repeat the request with the nonce of this answer (§8, §9)."""
    description = "The DPoP proof must carry the nonce of this answer."
    told = challenge.of_error("DPoP", "use_dpop_nonce", description)
    return OAuthError(
        "use_dpop_nonce",
        description,
        status=401 if at_resource else 400,
        section="RFC 9449 §9" if at_resource else "RFC 9449 §8",
        expected="the nonce of the newest answer",
        received="none or an old one",
        headers={"www-authenticate": told} if at_resource else {},
    )

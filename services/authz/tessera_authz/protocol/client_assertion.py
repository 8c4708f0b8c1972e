"""What a client's assertion must say (RFC 7523 §3, OpenID Connect Core §9), as rules over its claims."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeGuard

from tessera_authz.protocol.client import Client

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""RFC 7523 §2.2."""
TYPES = (None, "jwt", "client-authentication+jwt")
"""The explicit types that an assertion may have; any other JWT was made for something else (RFC 8725 §3.11)."""

_MAX_JTI = 1024
_END_OF_TIME = 2**53


@dataclass(frozen=True, slots=True)
class Expected:
    """What this server expects of every assertion.

    Attributes:
        issuer: Its issuer identifier.
        token_endpoint: The token endpoint's URL.
        tolerance: How far the client's clock may be off.
        longest: How far ahead `exp` may be.

    """

    issuer: str
    token_endpoint: str
    tolerance: timedelta
    longest: timedelta


def problem_with(claims: Mapping[str, Any], client: Client, endpoint: str, expected: Expected, now: int) -> str | None:
    """What is wrong with an assertion's claims, for the log; None where nothing is.

    Args:
        claims: What the assertion says.
        client: Whom it is to speak for.
        endpoint: The URL that it was sent to.
        expected: This server's expectations.
        now: Seconds since the epoch.

    """
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:  # RFC 7523 §3 (1), (2)
        return "iss and sub that are the client_id"
    if not _is_for_us(claims.get("aud"), client, endpoint, expected):
        return f"an aud that is {expected.issuer}" + (", alone" if client.assertion_audience == "issuer" else "")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI:  # OIDC Core §9 asks for it, RFC 7523 §3 (7) allows to
        return "a jti"
    return _problem_with_times(claims, expected, now)


def allowed_algs(client: Client, served: tuple[str, ...]) -> tuple[str, ...]:
    """The algorithms that this client may sign its assertions with: those it registered, of those served for it."""
    registered = client.token_endpoint_auth_signing_alg
    return tuple(alg for alg in served if registered in (None, alg))


def _is_for_us(audience: Any, client: Client, endpoint: str, expected: Expected) -> bool:  # noqa: ANN401 - JSON
    """RFC 7523 §3 (3). Strictly, the issuer as one string: an assertion made for another server works nowhere else."""
    if client.assertion_audience == "issuer":
        return bool(audience == expected.issuer)
    accepted = (expected.issuer, expected.token_endpoint, endpoint)
    audiences = audience if isinstance(audience, list) else [audience]
    return any(entry in accepted for entry in audiences)


def _problem_with_times(claims: Mapping[str, Any], expected: Expected, now: int) -> str | None:
    """RFC 7523 §3 (4) to (6)."""
    tolerance, longest = int(expected.tolerance.total_seconds()), int(expected.longest.total_seconds())
    exp, nbf, iat = claims.get("exp"), claims.get("nbf", now), claims.get("iat", now)
    if not (_is_time(exp) and _is_time(nbf) and _is_time(iat)):
        return "exp, and nbf and iat where they are there, as numbers"
    if exp + tolerance <= now:
        return f"an exp after {now}"
    if exp - tolerance > now + longest:
        return f"an exp not after {now + longest}"
    if nbf - tolerance > now or iat - tolerance > now:
        return f"nbf and iat not after {now}"
    return None


def _is_time(value: Any) -> TypeGuard[float]:  # noqa: ANN401 - JSON
    """A NumericDate (RFC 7519 §2); a boolean is none."""
    return type(value) in (int, float) and abs(value) < _END_OF_TIME

"""Request objects (RFC 9101): an authorization request as a JWT that the client signed."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeGuard

from tessera_authz.protocol.authorization_request import Parameters
from tessera_authz.protocol.client import Client
from tessera_shared.errors import OAuthError

TYPES = ("oauth-authz-req+jwt", "jwt", None)
"""RFC 9101 §10.8: the explicit type, and those of clients that set none of their own."""
LONGEST = int(timedelta(minutes=60).total_seconds())
"""How far ahead exp may be, and nbf back, in seconds (FAPI 2.0 Message Signing §5.3.1)."""

_NOT_PARAMETERS = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})


def read(claims: Mapping[str, Any], client: Client, issuer: str, now: int, tolerance: int) -> Parameters:
    """The parameters of a request object whose signature is verified; those outside of it do not count (RFC 9101 §6.3).

    Args:
        claims: Its claims.
        client: Whose key signed it.
        issuer: This server, its audience.
        now: Seconds since the epoch.
        tolerance: How far the client's clock may be off, in seconds.

    Raises:
        OAuthError: invalid_request_object.

    """
    _check_parties(claims, client, issuer)
    _check_times(claims, now, tolerance)
    named = {name: value for name, value in claims.items() if name not in _NOT_PARAMETERS and value is not None}
    resource = named.pop("resource", ())
    resources = tuple(map(str, resource)) if isinstance(resource, list) else (str(resource),) if resource else ()
    values = {name: _text(value) for name, value in named.items()}
    if resources:
        values["resource"] = resources[0]
    return Parameters(values, resources)


def _check_parties(claims: Mapping[str, Any], client: Client, issuer: str) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if issuer not in audiences:
        raise invalid("aud", issuer)
    if claims.get("iss") != client.client_id or claims.get("client_id", client.client_id) != client.client_id:
        raise invalid("iss and client_id", client.client_id)
    if claims.get("sub") == client.client_id:  # RFC 9101 §10.8: that would be a client assertion
        raise invalid("no sub", "nothing")
    if "request" in claims or "request_uri" in claims:  # RFC 9101 §4
        raise invalid("no request inside", "nothing")


def _check_times(claims: Mapping[str, Any], now: int, tolerance: int) -> None:
    exp, nbf = claims.get("exp"), claims.get("nbf")
    if not _is_number(exp) or not _is_number(nbf):
        raise invalid("exp and nbf", "two numbers")
    if exp + tolerance <= now or exp > now + LONGEST + tolerance:
        raise invalid("exp", f"between {now} and {now + LONGEST}")
    if nbf - tolerance > now or nbf < now - LONGEST - tolerance:
        raise invalid("nbf", f"between {now - LONGEST} and {now}")


def encrypted() -> OAuthError:
    """No key to encrypt for is published, so nobody can have meant this server (RFC 9101 §6.1)."""
    return invalid("form", "a signed request object", "Encrypted request objects are not taken here.")


def invalid(check: str, expected: str, description: str = "The request object is not valid.") -> OAuthError:
    """The one error of a request object that cannot be taken; the log says which check failed."""
    return OAuthError(
        "invalid_request_object",
        description,
        section="RFC 9101 §6",
        expected=f"{check}: {expected}",
    )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    """A claim as a parameter's value: numbers as digits, structures as JSON (RFC 9101 §4)."""
    return value if isinstance(value, str) else json.dumps(value)

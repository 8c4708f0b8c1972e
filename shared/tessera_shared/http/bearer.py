"""Access tokens in requests (RFC 6750 §2, RFC 9449 §7.1) and the errors that answer them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.requests import Request

from tessera_shared.errors import OAuthError
from tessera_shared.http import challenge, form
from tessera_shared.http.challenge import Scheme
from tessera_shared.jose.jwt import InvalidToken

_SCHEMES: dict[str, Scheme] = {"bearer": "Bearer", "dpop": "DPoP"}


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """An access token as a request presents it."""

    scheme: Scheme
    value: str = field(repr=False)


async def presented_in_header_or_form(request: Request) -> PresentedToken:
    """The token of the Authorization header (RFC 6750 §2.1) or of a POST's form body (§2.2), exactly one of them.

    Raises:
        OAuthError: 401 without a token, 400 for two.

    """
    token = presented_in_header(request)
    in_body = request.method == "POST" and "application/x-www-form-urlencoded" in request.headers.get(
        "content-type", ""
    )
    if in_body:
        parameters = await form.body(request)
        parameters.refuse_repeated("RFC 6750 §2.2")
        sent = parameters.get("access_token")
        if token and sent:
            raise _invalid_request("The token was sent in two ways.", "RFC 6750 §2")
        token = token or (PresentedToken("Bearer", sent) if sent else None)
    if not token:
        raise missing()
    return token


def from_header(request: Request, *, required: bool = True) -> str | None:
    """The token of the Authorization header where only Bearer tokens are taken (RFC 6750 §2.1).

    Raises:
        OAuthError: 401 without a token where it is required, 400 for two headers.

    """
    token = presented_in_header(request)
    value = token.value if token and token.scheme == "Bearer" else None
    if required and value is None:
        raise missing(("Bearer",))
    return value


def presented_in_header(request: Request) -> PresentedToken | None:
    """The token of the Authorization header (RFC 6750 §2.1, RFC 9449 §7.1), or None where there is none.

    Raises:
        OAuthError: 400 for two headers.

    """
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise _invalid_request("There is more than one Authorization header.", "RFC 6750 §2")
    name, _, token = (values[0] if values else "").partition(" ")
    scheme, token = _SCHEMES.get(name.lower()), token.strip()
    return PresentedToken(scheme, token) if scheme and token else None


def missing(schemes: Sequence[Scheme] = ("Bearer", "DPoP")) -> OAuthError:
    """No token at all: bare challenges without an error code (RFC 6750 §3.1)."""
    return OAuthError(
        "invalid_token",
        "An access token is needed.",
        status=401,
        section="RFC 6750 §3.1",
        expected=f"Authorization: {' or '.join(schemes)}",
        received="no token",
        headers={"www-authenticate": challenge.bare(schemes)},
    )


def invalid(error: InvalidToken, scheme: Scheme = "Bearer") -> OAuthError:
    """A token that failed a check; the answer never says which one, the log does."""
    description = "The access token is expired, revoked or not valid here."
    return OAuthError(
        "invalid_token",
        description,
        status=401,
        section=error.section,
        expected=f"{error.check}: {error.expected}",
        received=error.received,
        headers={"www-authenticate": challenge.of_error(scheme, "invalid_token", description)},
    )


def insufficient_scope(needed: Sequence[str], received: str, scheme: Scheme = "Bearer") -> OAuthError:
    """A valid token without the scope of this resource (RFC 6750 §3.1)."""
    scope = " ".join(needed)
    description = "The access token does not have the scope of this resource."
    return OAuthError(
        "insufficient_scope",
        description,
        status=403,
        section="RFC 6750 §3.1",
        expected=scope,
        received=received,
        headers={"www-authenticate": challenge.of_error(scheme, "insufficient_scope", description, scope=scope)},
    )


def _invalid_request(description: str, section: str) -> OAuthError:
    return OAuthError(
        "invalid_request",
        description,
        section=section,
        headers={"www-authenticate": challenge.of_error("Bearer", "invalid_request", description)},
    )

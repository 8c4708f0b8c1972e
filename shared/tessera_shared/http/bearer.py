"""Bearer tokens in requests (RFC 6750 §2) and the challenges of answers (§3)."""

from collections.abc import Sequence

from starlette.requests import Request

from tessera_shared.errors import OAuthError
from tessera_shared.http import form
from tessera_shared.jose.jwt import InvalidToken


async def from_header_or_form(request: Request) -> str:
    """The token of the Authorization header (§2.1) or of a POST's form body (§2.2), exactly one of them.

    Raises:
        OAuthError: 401 without a token, 400 for two.

    """
    token = from_header(request, required=False)
    in_body = request.method == "POST" and "application/x-www-form-urlencoded" in request.headers.get(
        "content-type", ""
    )
    if in_body:
        parameters = await form.body(request)
        parameters.refuse_repeated("RFC 6750 §2.2")
        sent = parameters.get("access_token")
        if token and sent:
            raise _invalid_request("The token was sent in two ways.", "RFC 6750 §2")
        token = token or sent
    if not token:
        raise missing()
    return token


def from_header(request: Request, *, required: bool = True) -> str | None:
    """The token of the Authorization header (§2.1).

    Raises:
        OAuthError: 401 without a token where it is required, 400 for two headers.

    """
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise _invalid_request("There is more than one Authorization header.", "RFC 6750 §2")
    scheme, _, token = (values[0] if values else "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    if required and not token:
        raise missing()
    return token or None


def missing() -> OAuthError:
    """No token at all: a bare challenge without an error code (§3.1)."""
    return OAuthError(
        "invalid_token",
        "An access token is needed.",
        status=401,
        section="RFC 6750 §3.1",
        expected="Authorization: Bearer",
        received="no token",
        headers={"www-authenticate": 'Bearer realm="tessera"'},
    )


def invalid(error: InvalidToken) -> OAuthError:
    """A token that failed a check; the answer never says which one, the log does."""
    return OAuthError(
        "invalid_token",
        "The access token is expired, revoked or not valid here.",
        status=401,
        section=error.section,
        expected=f"{error.check}: {error.expected}",
        received=error.received,
        headers={
            "www-authenticate": _challenge("invalid_token", "The access token is expired, revoked or not valid here.")
        },
    )


def insufficient_scope(needed: Sequence[str], received: str) -> OAuthError:
    """A valid token without the scope of this resource (§3.1)."""
    scope = " ".join(needed)
    description = "The access token does not have the scope of this resource."
    return OAuthError(
        "insufficient_scope",
        description,
        status=403,
        section="RFC 6750 §3.1",
        expected=scope,
        received=received,
        headers={"www-authenticate": _challenge("insufficient_scope", description) + f', scope="{scope}"'},
    )


def _invalid_request(description: str, section: str) -> OAuthError:
    return OAuthError(
        "invalid_request",
        description,
        section=section,
        headers={"www-authenticate": _challenge("invalid_request", description)},
    )


def _challenge(error: str, description: str) -> str:
    return f'Bearer realm="tessera", error="{error}", error_description="{description}"'

"""What this resource server adds to challenges: where its metadata is, and what a better login would be."""

from tessera_rs.protocol.step_up import StepUp
from tessera_shared.errors import OAuthError
from tessera_shared.http.challenge import Scheme, of_error, with_parameter

METADATA_PATH = "/.well-known/oauth-protected-resource"
"""RFC 9728 §3."""

_CHALLENGE = "www-authenticate"


def with_metadata(error: OAuthError, metadata_url: str) -> OAuthError:
    """The same error, its challenge pointing to the metadata from which a client learns the rest (RFC 9728 §5.1)."""
    if _CHALLENGE in error.headers:
        error.headers[_CHALLENGE] = with_parameter(error.headers[_CHALLENGE], "resource_metadata", metadata_url)
    return error


def insufficient_user_authentication(step_up: StepUp, scheme: Scheme = "Bearer") -> OAuthError:
    """RFC 9470 §3: the token is valid, the login behind it is too old or too weak for this resource."""
    description = "The login behind the access token is too old or too weak for this resource."
    wanted = step_up.parameters()
    return OAuthError(
        "insufficient_user_authentication",
        description,
        status=401,
        section="RFC 9470 §3",
        expected=", ".join(f"{name}={value}" for name, value in wanted.items()),
        headers={_CHALLENGE: of_error(scheme, "insufficient_user_authentication", description, **wanted)},
    )

"""client_secret_basic: HTTP Basic authentication, each part form-encoded first (RFC 6749 §2.3.1)."""

import base64
from urllib.parse import unquote_plus

from tessera_authz.client_auth import client_secret
from tessera_authz.client_auth.credentials import Presentation, SecretCredentials
from tessera_authz.client_auth.method import Method
from tessera_shared.errors import OAuthError


def extract(presentation: Presentation) -> SecretCredentials | None:
    """The credentials of the Authorization header, if it is a Basic one.

    Raises:
        OAuthError: invalid_request, for a header that cannot be read or names another client than the form.

    """
    basic = [value for value in presentation.authorization if value[:6].lower() == "basic "]
    if not basic:
        return None
    try:
        decoded = base64.b64decode(basic[0][6:].strip(), validate=True).decode("utf-8")
        client_id, colon, secret = decoded.partition(":")
        credentials = SecretCredentials(unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict"))
    except ValueError as error:  # not base64, not UTF-8, or not even ASCII
        raise _unreadable() from error
    if not colon or "\x00" in credentials.client_id:
        raise _unreadable()
    if presentation.form.get("client_id") not in (None, credentials.client_id):
        raise OAuthError(
            "invalid_request", "The client_id of the form is not the authenticated one.", section="RFC 6749 §2.3.1"
        )
    return credentials


def _unreadable() -> OAuthError:
    return OAuthError(
        "invalid_request",
        "The Basic credentials cannot be read.",
        section="RFC 7617 §2",
        expected="base64 of form-encoded client_id:client_secret",
    )


METHOD = Method("client_secret_basic", extract, client_secret.verify)

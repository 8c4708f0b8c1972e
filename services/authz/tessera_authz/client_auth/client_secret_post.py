"""client_secret_post: the secret as a form parameter (RFC 6749 §2.3.1)."""

from collections.abc import Sequence

from tessera_authz.client_auth.credentials import SecretCredentials
from tessera_shared.http.form import Form

METHOD = "client_secret_post"


def extract(_authorization: Sequence[str], form: Form) -> SecretCredentials | None:
    """The credentials of the form, if it holds a secret."""
    secret = form.get("client_secret")
    if secret is None:
        return None
    return SecretCredentials(form.require("client_id", "RFC 6749 §2.3.1"), secret)

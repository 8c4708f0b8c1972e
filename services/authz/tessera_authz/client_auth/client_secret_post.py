"""client_secret_post: the secret as a form parameter (RFC 6749 §2.3.1)."""

from tessera_authz.client_auth import client_secret
from tessera_authz.client_auth.credentials import Presentation, SecretCredentials
from tessera_authz.client_auth.method import Method


def extract(presentation: Presentation) -> SecretCredentials | None:
    """The credentials of the form, if it holds a secret."""
    secret = presentation.form.get("client_secret")
    if secret is None:
        return None
    return SecretCredentials(presentation.form.require("client_id", "RFC 6749 §2.3.1"), secret)


METHOD = Method("client_secret_post", extract, client_secret.verify)

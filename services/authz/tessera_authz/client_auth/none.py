"""none: a public client, which names itself and has nothing to prove with (RFC 6749 §2.1, RFC 7591 §2)."""

from collections.abc import Sequence

from tessera_authz.client_auth.credentials import NoCredentials
from tessera_shared.http.form import Form

METHOD = "none"


def extract(_authorization: Sequence[str], form: Form) -> NoCredentials | None:
    """The client id of the form."""
    client_id = form.get("client_id")
    return None if client_id is None else NoCredentials(client_id)

"""none: a public client, which names itself and has nothing to prove with (RFC 6749 §2.1, RFC 7591 §2)."""

from datetime import datetime

from tessera_authz.client_auth.credentials import ClientIdAlone
from tessera_authz.client_auth.method import Method, Problem, Verifiers, client_id_alone
from tessera_authz.store.clients import ClientRecord


async def verify(_credentials: ClientIdAlone, _record: ClientRecord, _with: Verifiers, _now: datetime) -> Problem:
    """There is nothing to verify: PKCE and the redirect URI protect a public client's grants."""
    return None


METHOD = Method("none", client_id_alone, verify)

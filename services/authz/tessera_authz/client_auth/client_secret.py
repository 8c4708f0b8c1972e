"""What the two methods with a readable secret share: its verification."""

from datetime import datetime

from tessera_authz.client_auth.credentials import SecretCredentials
from tessera_authz.client_auth.method import Problem, Verifiers
from tessera_authz.store.clients import ClientRecord


async def verify(credentials: SecretCredentials, record: ClientRecord, by: Verifiers, now: datetime) -> Problem:
    """Whether the secret is one of the client's that are valid now."""
    right = await by.secrets.verify(credentials.client_id, credentials.secret, record.secrets, now)
    return None if right else "the client's secret"

"""client_secret_jwt: a JWT with an HMAC under the client's secret (OpenID Connect Core §9, RFC 7523 §2.2)."""

from datetime import datetime

from tessera_authz.client_auth.client_assertion import extract
from tessera_authz.client_auth.credentials import AssertionCredentials
from tessera_authz.client_auth.method import Method, Problem, Verifiers
from tessera_authz.protocol.client_assertion import allowed_algs
from tessera_authz.store.clients import ClientRecord
from tessera_shared.jose.compact import is_keyed_with

_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
"""RFC 7518 §3.2: a secret is at least as long as the hash."""

ALGS = tuple(_BYTES)
MIN_SECRET_BYTES = min(_BYTES.values())


async def verify(credentials: AssertionCredentials, record: ClientRecord, by: Verifiers, now: datetime) -> Problem:
    """Check claims, MAC and single use."""
    client, assertion = record.client, credentials.assertion
    problem = by.assertions.problem_before_signature(credentials, client, allowed_algs(client, ALGS), now)
    if problem is not None:
        return problem
    secrets = [
        by.sealer.unseal(client.client_id, stored.sealed) for stored in record.valid_secrets(now) if stored.sealed
    ]
    long_enough = [secret for secret in secrets if len(secret) >= _BYTES[assertion.alg]]
    if not any(is_keyed_with(assertion, secret, assertion.alg) for secret in long_enough):
        return f"a MAC under the client's secret, of {_BYTES[assertion.alg]} bytes at least"
    return await by.assertions.problem_with_use(assertion, client)


METHOD = Method("client_secret_jwt", extract, verify)

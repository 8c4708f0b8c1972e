"""private_key_jwt: a JWT that the client signed with a key of its own (OpenID Connect Core §9, RFC 7523 §2.2)."""

from datetime import datetime

from tessera_authz.client_auth.client_assertion import extract
from tessera_authz.client_auth.credentials import AssertionCredentials
from tessera_authz.client_auth.method import Method, Problem, Verifiers
from tessera_authz.protocol.client_assertion import allowed_algs
from tessera_authz.store.clients import ClientRecord
from tessera_shared.jose.algorithms import ASYMMETRIC_SIGNING

ALGS = ASYMMETRIC_SIGNING


async def verify(credentials: AssertionCredentials, record: ClientRecord, by: Verifiers, now: datetime) -> Problem:
    """Check claims, signature and single use, in this order: what costs most comes last."""
    client, assertion = record.client, credentials.assertion
    served = tuple(alg for alg in client.signing_algs if alg in ALGS)
    problem = by.assertions.problem_before_signature(credentials, client, allowed_algs(client, served), now)
    if problem is not None:
        return problem
    if not await by.assertions.keys.has_signed(client, assertion, now):
        return "a signature by a key of the client's jwks or jwks_uri"
    return await by.assertions.problem_with_use(assertion, client)


METHOD = Method("private_key_jwt", extract, verify)

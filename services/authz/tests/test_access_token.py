"""The claims of access tokens (RFC 9068 §2.2)."""

import base64
from datetime import UTC, datetime, timedelta

from tessera_authz.protocol.client import Client
from tessera_authz.tokens import access_token
from tessera_authz.tokens.authorization import Authorization

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LIFETIME = timedelta(minutes=10)
CLIENT = Client(client_id="c", client_name="C")


def claims(**changes):
    authorization = Authorization(client=CLIENT, sub="client:c", scope=("profile",), **changes)
    return access_token.claims(authorization, "https://as.example", LIFETIME, NOW)


def test_a_jti_carries_128_random_bits():
    jtis = {claims()["jti"] for _ in range(1000)}
    assert len(jtis) == 1000
    values = [int.from_bytes(base64.urlsafe_b64decode(jti + "==")) for jti in jtis]
    ever_set, always_set = 0, -1
    for value in values:
        ever_set, always_set = ever_set | value, always_set & value
    assert ever_set == 2**128 - 1
    assert always_set == 0

"""Tokens that are bound to a key (RFC 9449 §7) at the real process, beside Bearer tokens."""

import base64
import hashlib
import json
import time
from uuid import uuid4

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

pytestmark = pytest.mark.integration

KEY, OTHER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")


def proof(url, token, *, key=KEY, **changes):
    digest = hashlib.sha256(token.encode()).digest()
    ath = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    claims = {"jti": uuid4().hex, "htm": "GET", "htu": url, "iat": int(time.time()), "ath": ath, **changes}
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    present = {name: value for name, value in claims.items() if value is not None}
    return jws.serialize_compact(header, json.dumps(present).encode(), key, algorithms=["ES256"])


@pytest.fixture
def bound(issuer):
    return issuer.token(cnf={"jkt": KEY.thumbprint()})


@pytest.fixture
def call(http, rs):
    async def request(token, *proofs, scheme="DPoP", path="/resource", base=None):
        headers = [("authorization", f"{scheme} {token}"), *(("dpop", one) for one in proofs)]
        return await http.get((base or rs.url) + path, headers=headers)

    return request


async def test_a_bound_token_with_its_proof_opens_the_resource(call, rs, bound):
    answer = await call(bound, proof(f"{rs.url}/resource", bound))
    assert answer.status_code == 200
    assert answer.headers["dpop-nonce"]


async def test_a_proof_is_taken_once(call, rs, bound):
    once = proof(f"{rs.url}/resource", bound)
    assert [(await call(bound, once)).status_code for _ in range(3)] == [200, 401, 401]


async def test_a_proof_is_taken_once_by_all_replicas(call, rs, bound, new_service, http):
    """The other replica has the same public URL, as behind a proxy."""
    replica = new_service(PUBLIC_URL=rs.url)
    await replica.start()
    try:
        await replica.healthy(http)
        once = proof(f"{rs.url}/resource", bound)
        assert (await call(bound, once, base=replica.url)).status_code == 200
        assert (await call(bound, once)).status_code == 401
        nonce = (await call(bound, base=replica.url)).headers["dpop-nonce"]
        assert (await call(bound, proof(f"{rs.url}/resource", bound, nonce=nonce))).status_code == 200
    finally:
        await replica.stop()


WRONG = {
    "another method": lambda url, token: proof(url, token, htm="POST"),
    "another path": lambda url, token: proof(f"{url}/profile", token),
    "another host": lambda _, token: proof("https://evil.example/resource", token),
    "an old time": lambda url, token: proof(url, token, iat=int(time.time()) - 62),
    "a time to come": lambda url, token: proof(url, token, iat=int(time.time()) + 62),
    "no ath": lambda url, token: proof(url, token, ath=None),
    "another token's ath": lambda url, token: proof(url, token + "x"),
    "another key": lambda url, token: proof(url, token, key=OTHER),
    "no jti": lambda url, token: proof(url, token, jti=None),
    "no JWT": lambda *_: "x",
    "two in one header": lambda url, token: f"{proof(url, token)}, {proof(url, token)}",
}


@pytest.mark.parametrize("kind", WRONG)
async def test_a_wrong_proof_is_refused_with_a_dpop_challenge(call, rs, bound, kind):
    answer = await call(bound, WRONG[kind](f"{rs.url}/resource", bound))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof")
    assert answer.headers["www-authenticate"].startswith('DPoP realm="tessera", error="invalid_dpop_proof"')
    assert 'algs="' in answer.headers["www-authenticate"]
    assert answer.headers["dpop-nonce"]


async def test_no_proof_and_two_proofs_are_refused(call, rs, bound):
    url = f"{rs.url}/resource"
    for proofs in ((), (proof(url, bound), proof(url, bound))):
        answer = await call(bound, *proofs)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof")


async def test_a_bound_token_is_no_bearer_token(call, rs, bound):
    for proofs in ((), (proof(f"{rs.url}/resource", bound),)):
        answer = await call(bound, *proofs, scheme="Bearer")
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert answer.headers["www-authenticate"].startswith('Bearer realm="tessera", error="invalid_token"')
        assert ", DPoP " in answer.headers["www-authenticate"]


async def test_an_unbound_token_is_no_dpop_token(call, rs, issuer):
    token = issuer.token()
    answer = await call(token, proof(f"{rs.url}/resource", token))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith('DPoP realm="tessera", error="invalid_token"')


async def test_a_proof_beside_a_bearer_token_means_nothing(call, issuer):
    assert (await call(issuer.token(), "nonsense", scheme="Bearer")).status_code == 200


async def test_a_missing_scope_is_told_in_the_scheme_of_the_request(call, rs, issuer):
    token = issuer.token(cnf={"jkt": KEY.thumbprint()}, scope="openid")
    answer = await call(token, proof(f"{rs.url}/resource/email", token), path="/resource/email")
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"].startswith('DPoP realm="tessera", error="insufficient_scope"')


async def test_the_public_url_counts_and_not_the_host_header(http, rs, bound):
    headers = {"authorization": f"DPoP {bound}", "host": "evil.example"}
    forged = {**headers, "dpop": proof("http://evil.example/resource", bound)}
    assert (await http.get(f"{rs.url}/resource", headers=forged)).status_code == 401
    right = {**headers, "dpop": proof(f"{rs.url}/resource", bound)}
    assert (await http.get(f"{rs.url}/resource", headers=right)).status_code == 200


async def test_a_service_that_requires_nonces_asks_for_one_and_takes_it(new_service, http, issuer):
    service = new_service(DPOP__REQUIRE_NONCE="true")
    await service.start()
    try:
        await service.healthy(http)
        url = f"{service.url}/resource"
        token = issuer.token(aud=service.url, cnf={"jkt": KEY.thumbprint()})

        async def call(**changes):
            sent = {"authorization": f"DPoP {token}", "dpop": proof(url, token, **changes)}
            return await http.get(url, headers=sent)

        for nonce in (None, "old"):
            asked = await call(nonce=nonce)
            assert (asked.status_code, asked.json()["error"]) == (401, "use_dpop_nonce")
            assert asked.headers["www-authenticate"].startswith('DPoP realm="tessera", error="use_dpop_nonce"')
        assert (await call(nonce=asked.headers["dpop-nonce"])).status_code == 200
    finally:
        await service.stop()

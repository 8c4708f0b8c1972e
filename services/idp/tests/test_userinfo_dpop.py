"""Userinfo with tokens that are bound to a key (RFC 9449 §7)."""

import base64
import hashlib
import json
import time
from uuid import uuid4

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from tessera_idp.app import build_app

pytestmark = pytest.mark.integration

PATH = "/oidc/v1/userinfo"
KEY = ECKey.generate_key("P-256")


@pytest.fixture
async def bound(idp):
    return idp.access_token(await idp.add_user(name="Ada"), scope="openid profile", cnf={"jkt": KEY.thumbprint()})


def proof(idp, token, **changes):
    ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    claims = {
        "jti": uuid4().hex,
        "htm": "GET",
        "htu": idp.config.public_url + PATH,
        "iat": int(time.time()),
        "ath": ath,
    }
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.as_dict(private=False)}
    return jws.serialize_compact(header, json.dumps({**claims, **changes}).encode(), KEY, algorithms=["ES256"])


def dpop(token, sent):
    return {"authorization": f"DPoP {token}", "dpop": sent}


async def test_a_bound_token_with_its_proof_is_answered_by_get_and_post(idp, bound):
    async with idp.browser() as http:
        answer = await http.get(PATH, headers=dpop(bound, proof(idp, bound)))
        assert (answer.status_code, answer.json()["name"]) == (200, "Ada")
        assert answer.headers["dpop-nonce"]
        assert (await http.post(PATH, headers=dpop(bound, proof(idp, bound, htm="POST")))).status_code == 200


async def test_a_proof_is_taken_once(idp, bound):
    once = proof(idp, bound)
    async with idp.browser() as http:
        assert [(await http.get(PATH, headers=dpop(bound, once))).status_code for _ in range(2)] == [200, 401]


@pytest.mark.parametrize("changes", [{"htm": "POST"}, {"htu": "https://x.example/"}, {"ath": "x"}, {"iat": 1}])
async def test_a_wrong_proof_is_refused(idp, bound, changes):
    async with idp.browser() as http:
        answer = await http.get(PATH, headers=dpop(bound, proof(idp, bound, **changes)))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof")
    assert answer.headers["www-authenticate"].startswith("DPoP ")


async def test_a_bound_token_is_no_bearer_token_in_the_header_or_the_form(idp, bound):
    async with idp.browser() as http:
        sent = proof(idp, bound, htm="POST")
        for answer in (
            await http.get(PATH, headers={"authorization": f"Bearer {bound}", "dpop": proof(idp, bound)}),
            await http.post(PATH, headers={"dpop": sent}, data={"access_token": bound}),
        ):
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


async def test_an_unbound_token_is_no_dpop_token(idp):
    token = idp.access_token(await idp.add_user())
    async with idp.browser() as http:
        answer = await http.get(PATH, headers=dpop(token, proof(idp, token)))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


async def test_where_nonces_are_required_one_is_asked_for_and_taken(idp, bound):
    config = idp.config.model_copy(update={"dpop": idp.config.dpop.model_copy(update={"require_nonce": True})})
    async with idp.browser(build_app(config, idp.parts, idp.master_key)) as http:
        asked = await http.get(PATH, headers=dpop(bound, proof(idp, bound)))
        assert (asked.status_code, asked.json()["error"]) == (401, "use_dpop_nonce")
        answered = await http.get(PATH, headers=dpop(bound, proof(idp, bound, nonce=asked.headers["dpop-nonce"])))
        assert answered.status_code == 200

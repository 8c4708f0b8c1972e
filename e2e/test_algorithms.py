"""Every algorithm that the metadata tells works, wherever it is told: tried by a client registered for it."""

import time
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from e2e.assertions import Key, assertion, presented
from e2e.browser import Browser
from e2e.clients import CALLBACK, Client
from e2e.dpop import DpopKey
from e2e.relying_party import RelyingParty, unverified
from e2e.stack import Stack

WELL_KNOWN = "/.well-known/oauth-authorization-server"
SYMMETRIC = {"HS256", "HS384", "HS512"}
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
ASYMMETRIC = [f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)] + ["EdDSA", "Ed25519"]


@pytest.fixture(scope="module")
def rsa_key() -> RSAKey:
    """One for all RSA algorithms: making it takes its time."""
    return RSAKey.generate_key(2048, auto_kid=True)


def key_for(alg: str, rsa_key: RSAKey) -> Key:
    """A key that fits the algorithm."""
    if alg in CURVES:
        return ECKey.generate_key(CURVES[alg], auto_kid=True)
    return rsa_key if alg[:2] in ("RS", "PS") else OKPKey.generate_key("Ed25519", auto_kid=True)


def test_tried_algorithms_are_those_that_are_told(stack: Stack, http: httpx.Client) -> None:
    told = http.get(stack.authz + WELL_KNOWN).json()
    assert set(told["token_endpoint_auth_signing_alg_values_supported"]) == set(ASYMMETRIC) | SYMMETRIC
    assert set(told["request_object_signing_alg_values_supported"]) == set(ASYMMETRIC)
    assert set(told["dpop_signing_alg_values_supported"]) == set(ASYMMETRIC)
    assert told["authorization_signing_alg_values_supported"] == told["id_token_signing_alg_values_supported"]
    assert set(told["id_token_signing_alg_values_supported"]) <= set(ASYMMETRIC)


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_client_may_sign_all_it_signs_by_the_algorithm(
    stack: Stack, http: httpx.Client, alice: Browser, rsa_key: RSAKey, alg: str
) -> None:
    key = key_for(alg, rsa_key)
    answer_alg = alg if alg in _answers(stack, http) else "ES256"
    party = _register(stack, http, key, alg, answer_alg)

    # the push: a client assertion, a request object and a proof, each by the algorithm
    dpop = DpopKey(key, alg)
    pushed = _post(party, key, alg, dpop, "/oauth2/v1/par", request=_request_object(party, key, alg))
    assert pushed.status_code == 201, pushed.text

    # the answer and the ID token, signed by the algorithm that the client registered
    query = {"client_id": party.client.client_id, "request_uri": pushed.json()["request_uri"]}
    url = f"{stack.authz}/oauth2/v1/authorize?{httpx.QueryParams(query)}"
    answered = alice.authorize(url, "alice", "wonderland-42")["response"]
    assert unverified(answered)[0]["alg"] == answer_alg
    code = party.verify(answered, answer_alg)[1]["code"]
    form = {"code": code, "code_verifier": party.pkce.verifier, "redirect_uri": CALLBACK}
    response = _post(party, key, alg, dpop, "/oauth2/v1/token", grant_type="authorization_code", **form)
    assert response.status_code == 200, response.text
    tokens = response.json()
    assert tokens["token_type"] == "DPoP"
    assert party.verify(tokens["id_token"], answer_alg)[1]["aud"] == party.client.client_id


def _answers(stack: Stack, http: httpx.Client) -> list[str]:
    told: list[str] = http.get(stack.authz + WELL_KNOWN).json()["id_token_signing_alg_values_supported"]
    return told


def _register(stack: Stack, http: httpx.Client, key: Key, alg: str, answer_alg: str) -> RelyingParty:
    metadata = {
        "client_name": f"By {alg}",
        "redirect_uris": [CALLBACK],
        "scope": "openid",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": alg,
        "request_object_signing_alg": alg,
        "require_signed_request_object": True,
        "dpop_bound_access_tokens": True,
        "id_token_signed_response_alg": answer_alg,
        "authorization_signed_response_alg": answer_alg,
        "jwks": {"keys": [{**key.as_dict(private=False), "use": "sig"}]},
    }
    made = http.post(f"{stack.authz}/oauth2/v1/register", json=metadata)
    assert made.status_code == 201, made.text
    return RelyingParty(stack, http, Client(made.json()["client_id"], None, "private_key_jwt", CALLBACK, "openid"))


def _request_object(party: RelyingParty, key: Key, alg: str) -> str:
    now = int(time.time())
    claims: dict[str, Any] = {
        **party.authorization_request(response_mode="jwt"),
        "iss": party.client.client_id,
        "aud": party.stack.issuer,
        "nbf": now,
        "exp": now + 60,
    }
    return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])


def _post(party: RelyingParty, key: Key, alg: str, dpop: DpopKey, path: str, **form: str) -> httpx.Response:
    """A form with an assertion and a proof."""
    url = party.stack.authz + path
    credentials = presented(assertion(party.client, party.stack.issuer, key=key, alg=alg))
    data = {name: value for name, value in {**credentials, **form}.items() if value is not None}
    return party.http.post(url, data=data, headers={"dpop": dpop.proof(url)})

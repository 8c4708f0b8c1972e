"""ID tokens and userinfo that the client alone can read (OpenID Connect Core §10.2, §5.3.2)."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from e2e import key_host as hosts
from e2e.browser import Browser, as_answer
from e2e.clients import CALLBACK, Client
from e2e.key_host import KeyHost
from e2e.relying_party import RelyingParty, bearer, error_of
from e2e.stack import Stack

WELL_KNOWN = "/.well-known/openid-configuration"
METADATA = {
    "client_name": "Encrypted",
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "openid profile email",
}
RSA_KEY = RSAKey.generate_key(2048, {"use": "enc"}, auto_kid=True)
ALGS = ["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW", "dir"]
ENCS = {"A128CBC-HS256": 32, "A256CBC-HS512": 64, "A128GCM": 16, "A256GCM": 32}
PAIRS = [
    *(("RSA-OAEP-256", enc) for enc in ENCS),
    ("ECDH-ES", "A256GCM"),
    ("ECDH-ES+A128KW", "A128CBC-HS256"),
    ("ECDH-ES+A256KW", "A256CBC-HS512"),
    ("dir", "A256GCM"),
    ("dir", "A256CBC-HS512"),
]


@dataclass(frozen=True, slots=True)
class Reader:
    """A client with the key that it decrypts with."""

    party: RelyingParty
    key: Key
    alg: str
    enc: str
    made: dict[str, Any]

    def read(self, token: str) -> tuple[dict[str, Any], str]:
        """Header and content of a JWE by the algorithms that the client registered, and no others."""
        found = jwe.decrypt_compact(token, self.key, algorithms=[self.alg, self.enc])
        return dict(found.protected), (found.plaintext or b"").decode()


Register = Callable[..., Reader]


@pytest.fixture
def register(stack: Stack, http: httpx.Client) -> Register:
    """Registers a client for encryption, with a key that fits, and speaks for it."""

    def post(alg: str, enc: str, kinds: tuple[str, ...] = ("id_token",), **changes: Any) -> Reader:
        sent = {
            **METADATA,
            **{f"{kind}_encrypted_response_alg": alg for kind in kinds},
            **{f"{kind}_encrypted_response_enc": enc for kind in kinds},
            **changes,
        }
        key = key_for(alg)
        if alg == "dir":
            sent["token_endpoint_auth_method"] = "client_secret_jwt"
        elif "jwks_uri" not in sent:
            sent["jwks"] = {"keys": [key.as_dict(private=False)]}
        response = http.post(f"{stack.authz}/oauth2/v1/register", json=sent)
        assert response.status_code == 201, response.text
        made = response.json()
        method, secret = made["token_endpoint_auth_method"], made["client_secret"]
        client = Client(made["client_id"], secret, method, CALLBACK, made["scope"])
        if alg == "dir":  # OpenID Connect Core §10.2
            digest = (hashlib.sha512 if ENCS[enc] == 64 else hashlib.sha256)(secret.encode()).digest()
            key = OctKey.import_key(digest[: ENCS[enc]])
        return Reader(RelyingParty(stack, http, client), key, alg, enc, made)

    return post


def key_for(alg: str) -> Key:
    """A key of the client for the algorithm."""
    if alg == "RSA-OAEP-256":
        return RSA_KEY
    if alg == "ECDH-ES":
        return OKPKey.generate_key("X25519", {"use": "enc"}, auto_kid=True)
    return ECKey.generate_key("P-256", {"use": "enc", "alg": alg}, auto_kid=True)


def test_tried_algorithms_are_those_that_are_told(stack: Stack, http: httpx.Client) -> None:
    told = http.get(stack.authz + WELL_KNOWN).json()
    for kind in ("id_token", "userinfo"):
        assert told[f"{kind}_encryption_alg_values_supported"] == ALGS
        assert told[f"{kind}_encryption_enc_values_supported"] == list(ENCS)
    assert {alg for alg, _ in PAIRS} == set(ALGS)
    assert {enc for _, enc in PAIRS} == set(ENCS)


@pytest.mark.parametrize(("alg", "enc"), PAIRS)
def test_id_token_is_signed_and_then_encrypted_for_the_client(
    register: Register, alice: Browser, alg: str, enc: str
) -> None:
    reader = register(alg, enc)
    tokens = reader.party.get_tokens(alice, nonce="n-1")
    refreshed = reader.party.refresh(tokens["refresh_token"]).json()
    for answer in (tokens, refreshed):
        header, signed = reader.read(answer["id_token"])
        assert (header["alg"], header["enc"], header["cty"]) == (alg, enc, "JWT")
        assert header.get("kid") == (None if alg == "dir" else reader.key.kid)
        claims = reader.party.verify(signed, "RS256")[1]
        assert claims["aud"] == reader.party.client.client_id


@pytest.mark.parametrize(("alg", "enc"), PAIRS)
def test_userinfo_is_signed_and_encrypted_as_the_client_registered(
    register: Register, alice: Browser, alg: str, enc: str
) -> None:
    reader = register(alg, enc, ("userinfo",), userinfo_signed_response_alg="PS256")
    party, tokens = reader.party, reader.party.get_tokens(alice)
    sub = party.verify(tokens["id_token"], "RS256")[1]["sub"]
    response = party.userinfo(tokens["access_token"])
    assert (response.status_code, response.headers["content-type"]) == (200, "application/jwt")
    header, signed = reader.read(response.text)
    assert (header["alg"], header["enc"], header["cty"]) == (alg, enc, "JWT")
    claims = party.verify(signed, "PS256")[1]
    assert (claims["iss"], claims["aud"], claims["sub"]) == (party.stack.issuer, party.client.client_id, sub)
    assert claims["email"] == "alice@wonderland.example"


def test_userinfo_may_be_signed_alone_and_encrypted_alone(
    stack: Stack, http: httpx.Client, register: Register, alice: Browser
) -> None:
    reader = register("RSA-OAEP-256", "A256GCM", ("userinfo",))
    party = reader.party
    content = json.loads(reader.read(party.userinfo(party.get_tokens(alice)["access_token"]).text)[1])
    assert content["email"] == "alice@wonderland.example"
    for alg in http.get(stack.authz + WELL_KNOWN).json()["userinfo_signing_alg_values_supported"]:
        made = http.post(
            f"{stack.authz}/oauth2/v1/register", json={**METADATA, "userinfo_signed_response_alg": alg}
        ).json()
        party = RelyingParty(stack, http, Client(made["client_id"], made["client_secret"], scope=made["scope"]))
        response = party.userinfo(party.get_tokens(alice)["access_token"])
        assert response.headers["content-type"] == "application/jwt"
        assert party.verify(response.text, alg)[1]["aud"] == made["client_id"]


def test_userinfo_keys_are_fetched_from_the_clients_jwks_uri(
    stack: Stack, register: Register, alice: Browser, key_host: KeyHost
) -> None:
    host = "host.docker.internal" if stack.kind == "compose" else "localhost"
    uri = f"http://{host}:{hosts.PORT}/userinfo-keys"
    reader = register("RSA-OAEP-256", "A256GCM", ("userinfo",), jwks_uri=f"{uri}-that-are-away")
    tokens = reader.party.get_tokens(alice)
    refused = reader.party.userinfo(tokens["access_token"])
    assert (refused.status_code, error_of(refused)) == (503, "temporarily_unavailable")
    key_host.tell_keys("/userinfo-keys", RSA_KEY)
    reader = register("RSA-OAEP-256", "A256GCM", ("userinfo",), jwks_uri=uri)
    tokens = reader.party.get_tokens(alice)
    assert reader.read(reader.party.userinfo(tokens["access_token"]).text)[0]["kid"] == RSA_KEY.kid


def test_code_stays_usable_while_the_clients_keys_cannot_be_had(
    stack: Stack, http: httpx.Client, register: Register, alice: Browser, key_host: KeyHost
) -> None:
    host = "host.docker.internal" if stack.kind == "compose" else "localhost"
    uri = f"http://{host}:{hosts.PORT}/encryption-keys"
    reader = register("RSA-OAEP-256", "A256GCM", jwks_uri=f"{uri}-that-are-away")
    code = reader.party.get_code(alice)
    refused = reader.party.redeem(code)
    assert (refused.status_code, error_of(refused)) == (503, "temporarily_unavailable")
    assert int(refused.headers["retry-after"]) > 0

    key_host.tell_keys("/encryption-keys", RSA_KEY)
    changed = {**sent_by(reader.made), "jwks_uri": uri}
    headers = bearer(reader.made["registration_access_token"])
    assert http.put(reader.made["registration_client_uri"], headers=headers, json=changed).status_code == 200
    tokens = reader.party.redeem(code).json()
    assert reader.read(tokens["id_token"])[0]["kid"] == RSA_KEY.kid


def sent_by(made: dict[str, Any]) -> dict[str, Any]:
    """The members that a client sends to change itself (RFC 7592 §2.2)."""
    decided = (
        "registration_access_token",
        "registration_client_uri",
        "client_id_issued_at",
        "client_secret_expires_at",
    )
    return {name: value for name, value in made.items() if name not in decided}


@pytest.mark.parametrize(
    "changes",
    [
        {"id_token_encrypted_response_alg": "RSA1_5"},
        {"id_token_encrypted_response_enc": "A256GCM"},
        {"id_token_encrypted_response_alg": "ECDH-ES"},
        {"id_token_encrypted_response_alg": "dir"},
        {"userinfo_encrypted_response_alg": "RSA-OAEP-256", "jwks": {"keys": [RSA_KEY.as_dict(private=True)]}},
    ],
    ids=["alg", "enc alone", "no fitting key", "secret that is not readable", "private key"],
)
def test_what_could_not_be_encrypted_is_refused_at_registration(
    stack: Stack, http: httpx.Client, changes: dict[str, Any]
) -> None:
    sent = {**METADATA, "jwks": {"keys": [RSA_KEY.as_dict(private=False)]}, **changes}
    response = http.post(f"{stack.authz}/oauth2/v1/register", json=sent)
    assert (response.status_code, error_of(response)) == (400, "invalid_client_metadata")


def test_encrypted_request_object_is_refused_and_no_key_for_one_is_told(
    stack: Stack, http: httpx.Client, register: Register, browser: Browser
) -> None:
    told = http.get(stack.authz + WELL_KNOWN).json()
    assert not [name for name in told if name.startswith("request_object_encryption")]
    assert all(key["use"] == "sig" for key in http.get(told["jwks_uri"]).json()["keys"])
    party = register("RSA-OAEP-256", "A256GCM").party
    header = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT"}
    request = jwe.encrypt_compact(header, b"x.y.z", RSA_KEY, algorithms=["RSA-OAEP-256", "A256GCM"])
    answer = as_answer(browser.open(party.authorization_url(request=request)))
    assert answer["error"] == "invalid_request_object"


def test_rotated_secret_is_what_is_encrypted_with_from_then_on(register: Register, alice: Browser) -> None:
    reader = register("dir", "A256GCM")
    party = reader.party
    rotated = party.post(f"/oauth2/v1/clients/{party.client.client_id}/rotate-secret").json()
    tokens = party.get_tokens(alice)  # the client authenticates with the old secret, which works for a while
    newest = hashlib.sha256(rotated["client_secret"].encode()).digest()
    found = jwe.decrypt_compact(tokens["id_token"], OctKey.import_key(newest), algorithms=["dir", "A256GCM"])
    assert party.verify((found.plaintext or b"").decode(), "RS256")

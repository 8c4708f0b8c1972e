"""private_key_jwt and client_secret_jwt (RFC 7523, OpenID Connect Core §9), at every endpoint that asks who calls."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OctKey

from e2e.assertions import ASSERTION_TYPE, assertion, presented, sign
from e2e.browser import Browser
from e2e.clients import (
    ANY_AUDIENCE,
    DEMO,
    ES256_ONLY,
    FAPI2,
    HS512_ONLY,
    KEYS_AT_A_REDIRECT,
    KEYS_ELSEWHERE,
    KEYS_INSIDE,
    PRIVATE_KEY,
    PUBLIC,
    RSA_KEY,
    SECRET_JWT,
    SIGNING_KEYS,
    Client,
)
from e2e.conftest import PartyOf
from e2e.dpop import DpopKey, post
from e2e.key_host import Answer, KeyHost
from e2e.relying_party import basic, error_of
from e2e.stack import Stack

TOKEN = "/oauth2/v1/token"
TWICE = b'{"alg": "ES256", "alg": "ES256"}'
RSA_ALGS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
KEYS = {
    **dict.fromkeys(RSA_ALGS, RSA_KEY),
    "ES256": SIGNING_KEYS["ES256"],
    "EdDSA": SIGNING_KEYS["Ed25519"],
    "Ed25519": SIGNING_KEYS["Ed25519"],
}

Send = Callable[..., httpx.Response]


@pytest.fixture
def send(stack: Stack, http: httpx.Client) -> Send:
    """A client_credentials request with an assertion."""

    def request(text: str, path: str = TOKEN, **form: str) -> httpx.Response:
        grant = {"grant_type": "client_credentials"} if path == TOKEN else {}
        return http.post(stack.authz + path, data={**presented(text), **grant, **form})

    return request


def is_refused(response: httpx.Response) -> bool:
    """Whether it is refused in the words that tell nothing of the reason."""
    told = {"error": "invalid_client", "error_description": "Client authentication failed."}
    return (
        response.status_code == 401
        and error_of(response) == "invalid_client"
        and response.json() == told
        and "www-authenticate" not in response.headers
    )


@pytest.mark.parametrize("alg", KEYS)
def test_a_key_of_every_kind_authenticates(stack: Stack, send: Send, alg: str) -> None:
    key = KEYS[alg]
    claims = json.loads(base64.urlsafe_b64decode(assertion(PRIVATE_KEY, stack.issuer).split(".")[1] + "=="))
    bare = type(key).import_key({name: value for name, value in key.as_dict(private=True).items() if name != "alg"})
    assert send(sign(claims, bare, alg)).json()["token_type"] == "Bearer"


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a_mac_under_the_secret_authenticates(stack: Stack, send: Send, alg: str) -> None:
    assert send(assertion(SECRET_JWT, stack.issuer, alg=alg)).status_code == 200


def test_every_algorithm_told_is_taken(stack: Stack, http: httpx.Client) -> None:
    told = http.get(f"{stack.authz}/.well-known/openid-configuration").json()
    assert set(told["token_endpoint_auth_signing_alg_values_supported"]) == {
        *KEYS, "ES384", "ES512", "HS256", "HS384", "HS512",
    }  # fmt: skip
    assert {"private_key_jwt", "client_secret_jwt"} <= set(told["token_endpoint_auth_methods_supported"])


@pytest.mark.parametrize("client", [PRIVATE_KEY, SECRET_JWT], ids=lambda client: client.method)
def test_it_authenticates_at_every_endpoint(party_of: PartyOf, client: Client) -> None:
    party = party_of(client)
    token = party.token("client_credentials").json()["access_token"]
    assert party.is_active(token)
    assert party.revoke(token).status_code == 200
    assert not party.is_active(token)


def test_a_user_flow_with_assertions(party_of: PartyOf, browser: Browser) -> None:
    party = party_of(PRIVATE_KEY)
    pushed = party.post("/oauth2/v1/par", **party.authorization_request())
    assert pushed.status_code == 201
    tokens = party.get_tokens(browser)
    assert party.refresh(tokens["refresh_token"]).status_code == 200


def test_an_assertion_is_taken_once(stack: Stack, send: Send) -> None:
    once = assertion(PRIVATE_KEY, stack.issuer)
    assert send(once).status_code == 200
    assert is_refused(send(once))
    assert is_refused(send(once, "/oauth2/v1/introspect", token="x"))


def test_of_many_at_the_same_time_one_is_taken(stack: Stack, new_http: Callable[[], httpx.Client]) -> None:
    data = {**presented(assertion(PRIVATE_KEY, stack.issuer)), "grant_type": "client_credentials"}
    clients = [new_http() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda http: http.post(stack.authz + TOKEN, data=data).status_code, clients))
    assert sorted(statuses) == [200, *[401] * 7]


def now(seconds: int) -> int:
    """So many seconds from now."""
    return int(time.time()) + seconds


WRONG: dict[str, Callable[[], dict[str, Any]]] = {
    "expired": lambda: {"exp": now(-62)},
    "no exp": lambda: {"exp": None},
    "exp too far ahead": lambda: {"exp": now(3600 + 62)},
    "exp as text": lambda: {"exp": str(now(60))},
    "issued in the future": lambda: {"iat": now(62)},
    "not yet valid": lambda: {"nbf": now(62)},
    "no sub": lambda: {"sub": None},
    "another sub": lambda: {"sub": "demo-client"},
    "no iss": lambda: {"iss": None},
    "another iss": lambda: {"iss": "demo-client"},
    "no jti": lambda: {"jti": None},
    "an empty jti": lambda: {"jti": ""},
    "no aud": lambda: {"aud": None},
    "another aud": lambda: {"aud": "https://other.example"},
    "an empty aud": lambda: {"aud": []},
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("client", [PRIVATE_KEY, SECRET_JWT, ANY_AUDIENCE], ids=lambda client: client.client_id)
def test_a_wrong_claim_is_invalid_client(stack: Stack, send: Send, client: Client, kind: str) -> None:
    assert is_refused(send(assertion(client, stack.issuer, **WRONG[kind]())))


@pytest.mark.parametrize("changes", [{"nbf": 8}, {"iat": 8}, {"iat": -300}, {"nbf": -300}])
def test_clocks_may_disagree_a_little(stack: Stack, send: Send, changes: dict[str, int]) -> None:
    times = {name: now(seconds) for name, seconds in changes.items()}
    assert send(assertion(PRIVATE_KEY, stack.issuer, **times)).status_code == 200


def test_the_strict_audience_is_the_issuer_as_one_string(stack: Stack, send: Send) -> None:
    for audience in ([stack.issuer], [stack.issuer, "x"], stack.issuer + TOKEN, f"{stack.issuer}/"):
        assert is_refused(send(assertion(PRIVATE_KEY, stack.issuer, aud=audience)))


def test_any_audience_takes_the_token_endpoint_and_the_endpoint_itself(stack: Stack, send: Send) -> None:
    introspect = "/oauth2/v1/introspect"
    for audience in (stack.issuer, stack.issuer + TOKEN, [stack.issuer + TOKEN, "https://x.example"]):
        assert send(assertion(ANY_AUDIENCE, stack.issuer, aud=audience)).status_code == 200
    own = assertion(ANY_AUDIENCE, stack.issuer, aud=stack.issuer + introspect)
    assert send(own, introspect, token="x").json() == {"active": False}
    assert is_refused(send(assertion(ANY_AUDIENCE, stack.issuer, aud=stack.issuer + introspect)))


def test_the_registered_algorithm_is_the_only_one(stack: Stack, send: Send) -> None:
    assert send(assertion(ES256_ONLY, stack.issuer)).status_code == 200
    for alg in ("RS256", "PS256", "EdDSA"):
        assert is_refused(send(assertion(ES256_ONLY, stack.issuer, key=without_alg(alg), alg=alg)))
    assert send(assertion(HS512_ONLY, stack.issuer, alg="HS512")).status_code == 200
    assert is_refused(send(assertion(HS512_ONLY, stack.issuer, alg="HS256")))


def test_a_fapi2_client_may_not_use_rs256(stack: Stack, party_of: PartyOf) -> None:
    party, key = party_of(FAPI2), DpopKey()
    for alg, status in (("PS256", 200), ("EdDSA", 200), ("RS256", 401), ("PS512", 401)):
        sent = presented(assertion(FAPI2, stack.issuer, key=without_alg(alg), alg=alg))
        answer = post(party, TOKEN, key.proof(stack.authz + TOKEN), grant_type="client_credentials", **sent)
        assert answer.status_code == status, alg


def without_alg(alg: str) -> Any:
    """The key for an algorithm, not bound to it."""
    key = KEYS[alg]
    return type(key).import_key({name: value for name, value in key.as_dict(private=True).items() if name != "alg"})


def encode(value: Any) -> str:
    """JSON, or bytes, as base64url."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_none_is_no_algorithm(stack: Stack, send: Send) -> None:
    payload = assertion(PRIVATE_KEY, stack.issuer).split(".")[1]
    for alg in ("none", "None", "NONE", "", None, 1):
        for signature in ("", "AA"):
            assert send(f"{encode({'alg': alg})}.{payload}.{signature}").status_code == 401


def test_a_mac_under_a_public_key_is_no_signature(stack: Stack, send: Send) -> None:
    for key in (RSA_KEY, SIGNING_KEYS["ES256"]):
        for secret in (
            key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            json.dumps(key.as_dict(private=False)).encode(),
        ):
            payload = assertion(PRIVATE_KEY, stack.issuer).split(".")[1]
            for alg, name in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
                text = f"{encode({'alg': alg, 'kid': key.kid})}.{payload}"
                assert is_refused(send(f"{text}.{encode(hmac.digest(secret, text.encode(), name))}"))


def test_a_key_in_the_header_is_not_used(stack: Stack, send: Send) -> None:
    own = ECKey.generate_key("P-256")
    claims = json.loads(base64.urlsafe_b64decode(assertion(PRIVATE_KEY, stack.issuer).split(".")[1] + "=="))
    kid = SIGNING_KEYS["ES256"].kid
    for header in (
        {"jwk": own.as_dict(private=False)},
        {"jwk": own.as_dict(private=False), "kid": kid},
        {"jku": "https://evil.example/jwks", "kid": kid},
        {"x5u": "https://evil.example/x5u"},
        {"kid": kid},
        {"kid": "../../dev/null"},
    ):
        assert is_refused(send(sign(claims, own, "ES256", **header)))


def test_members_that_are_there_twice_and_critical_extensions_are_refused(stack: Stack, send: Send) -> None:
    head, payload, signature = assertion(PRIVATE_KEY, stack.issuer).split(".")
    claims = base64.urlsafe_b64decode(payload + "==")
    twice = encode(claims[:-1] + b', "iss": "e2e-private-key"}')
    for text in (
        f"{head}.{twice}.{signature}",
        f"{encode(TWICE)}.{payload}.{signature}",
        f"{encode({'alg': 'ES256', 'crit': ['x'], 'x': 1})}.{payload}.{signature}",
        f"{encode({'alg': 'ES256', 'crit': ['b64'], 'b64': False})}.{payload}.{signature}",
    ):
        assert is_refused(send(text))


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "oauth-authz-req+jwt", "logout+jwt"])
def test_a_jwt_for_another_purpose_is_refused(stack: Stack, send: Send, typ: str) -> None:
    claims = json.loads(base64.urlsafe_b64decode(assertion(PRIVATE_KEY, stack.issuer).split(".")[1] + "=="))
    assert is_refused(send(sign(claims, SIGNING_KEYS["ES256"], "ES256", typ=typ)))
    assert send(sign(claims, SIGNING_KEYS["ES256"], "ES256", typ="client-authentication+jwt")).status_code == 200


def test_the_servers_own_tokens_are_no_assertions(party_of: PartyOf, send: Send, browser: Browser) -> None:
    tokens = party_of(PRIVATE_KEY).get_tokens(browser)
    for token in (tokens["access_token"], tokens["id_token"], tokens["refresh_token"]):
        assert is_refused(send(token))


@pytest.mark.parametrize("text", ["x", "a.b.c", "..", "a.b", "é", "a" * 8000, "e30.e30.AA"])
def test_what_is_no_jwt_is_invalid_client(send: Send, text: str) -> None:
    assert is_refused(send(text))


def test_another_method_than_the_registered_one_is_refused(stack: Stack, send: Send) -> None:
    assert is_refused(send(assertion(DEMO, stack.issuer, key=OctKey.import_key("x" * 64), alg="HS256")))
    assert is_refused(send(assertion(PUBLIC, stack.issuer, key=SIGNING_KEYS["ES256"])))
    assert is_refused(send(assertion(SECRET_JWT, stack.issuer, key=SIGNING_KEYS["ES256"])))
    assert is_refused(send(assertion(PRIVATE_KEY, stack.issuer, key=OctKey.import_key("x" * 64), alg="HS256")))


def test_the_secret_itself_is_refused_where_a_mac_is_registered(stack: Stack, http: httpx.Client) -> None:
    form = {"grant_type": "client_credentials"}
    by_header = http.post(stack.authz + TOKEN, data=form, headers=basic(SECRET_JWT.client_id, SECRET_JWT.secret or ""))
    posted = {**form, "client_id": SECRET_JWT.client_id, "client_secret": SECRET_JWT.secret}
    assert by_header.status_code == http.post(stack.authz + TOKEN, data=posted).status_code == 401


def test_two_methods_at_once_and_half_of_one_are_invalid_request(stack: Stack, http: httpx.Client, send: Send) -> None:
    fresh = assertion(PRIVATE_KEY, stack.issuer)
    both = http.post(
        stack.authz + TOKEN, data={**presented(fresh), "grant_type": "client_credentials"}, headers=basic("a", "b")
    )
    halves = [
        http.post(stack.authz + TOKEN, data={"client_assertion": fresh, "grant_type": "client_credentials"}),
        http.post(stack.authz + TOKEN, data={"client_assertion_type": ASSERTION_TYPE}),
        send(fresh, client_secret="x", client_id="y"),
    ]
    for response in (both, *halves):
        assert (response.status_code, error_of(response)) == (400, "invalid_request")


def test_the_client_id_beside_it_must_agree(stack: Stack, send: Send) -> None:
    assert send(assertion(PRIVATE_KEY, stack.issuer), client_id=PRIVATE_KEY.client_id).status_code == 200
    assert is_refused(send(assertion(PRIVATE_KEY, stack.issuer), client_id="demo-client"))


def test_an_unknown_client_is_refused_alike(stack: Stack, send: Send) -> None:
    unknown = Client("nobody", method="private_key_jwt")
    assert is_refused(send(assertion(unknown, stack.issuer)))


# keys behind a URL


def key(kid: str) -> ECKey:
    """A new key of that kid."""
    return ECKey.generate_key("P-256", {"kid": kid})


@pytest.fixture
def signed_by(stack: Stack, send: Send) -> Callable[..., httpx.Response]:
    """A request signed with a key."""
    return lambda signing, client=KEYS_ELSEWHERE: send(assertion(client, stack.issuer, key=signing))


def test_keys_are_fetched_once_kept_and_fetched_again_for_an_unknown_kid_once_a_minute(
    key_host: KeyHost, signed_by: Callable[..., httpx.Response]
) -> None:
    first, second, third = key("first"), key("second"), key("third")
    key_host.tell_keys("/jwks", first, cache_control="max-age=3600")
    asked = len(key_host.asked)
    assert [signed_by(first).status_code for _ in range(4)] == [200] * 4
    assert key_host.asked[asked:] == ["/jwks"]
    key_host.tell_keys("/jwks", second)
    for unknown in (second, third, second):
        assert signed_by(unknown).status_code == 401, "within a minute nothing is fetched again"
    assert key_host.asked[asked:] == ["/jwks"]
    assert signed_by(first).status_code == 200


def test_keys_behind_a_redirect_or_inside_are_not_fetched(
    key_host: KeyHost, signed_by: Callable[..., httpx.Response]
) -> None:
    mine = key("mine")
    key_host.tell_keys("/elsewhere", mine)
    key_host.answers["/moved"] = Answer(b"", 302, {"location": "/elsewhere"})
    assert is_refused(signed_by(mine, KEYS_AT_A_REDIRECT))
    assert "/elsewhere" not in key_host.asked
    asked = len(key_host.asked)
    assert is_refused(signed_by(mine, KEYS_INSIDE))
    assert len(key_host.asked) == asked, "an address on the loopback interface, which no setting allows"

"""The resource server (P6.05.04): validates RFC 9068 access tokens by itself, and answers by RFC 6750."""

import json
import time
from collections.abc import Callable

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from e2e.browser import Browser
from e2e.conftest import NewBrowser
from e2e.relying_party import RelyingParty, base64url, bearer, unverified
from e2e.stack import OTHER_RESOURCE, Control, Stack

CHALLENGE = 'Bearer realm="tessera"'


@pytest.fixture
def token(demo: RelyingParty) -> str:
    """A valid access token."""
    return str(demo.token("client_credentials", scope="profile").json()["access_token"])


def is_refused(response: httpx.Response) -> bool:
    """Whether it is refused as RFC 6750 §3.1 asks, without telling which check failed."""
    challenge = response.headers.get("www-authenticate", "")
    told = response.json()
    return (
        response.status_code == 401
        and challenge.startswith(f'{CHALLENGE}, error="invalid_token", error_description="')
        and told
        == {
            "error": "invalid_token",
            "error_description": "The access token is expired, revoked or not valid here.",
        }
    )


def test_valid_token_opens_the_resource(demo: RelyingParty, token: str) -> None:
    response = demo.resource(token)
    assert response.status_code == 200
    assert response.json() == {"sub": "client:demo-client", "client_id": "demo-client", "scope": "profile"}
    assert response.headers["cache-control"] == "no-store"


def test_scheme_is_the_same_in_any_case(stack: Stack, http: httpx.Client, token: str) -> None:
    for scheme in ("bearer", "BEARER"):
        response = http.get(f"{stack.rs}/resource", headers={"authorization": f"{scheme} {token}"})
        assert response.status_code == 200


def test_scope_decides_about_the_resources_that_need_one(demo: RelyingParty, token: str) -> None:
    assert demo.resource(token, "/resource/profile").status_code == 200
    refused = demo.resource(token, "/resource/email")
    assert refused.status_code == 403
    challenge = refused.headers["www-authenticate"]
    assert challenge.startswith(CHALLENGE)
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="email"' in challenge
    assert refused.json()["error"] == "insufficient_scope"


def test_users_token_opens_the_resources_of_its_scope(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice, scope="openid email")
    assert demo.resource(tokens["access_token"], "/resource/email").json()["scope"] == "openid email"
    assert demo.resource(tokens["access_token"], "/resource/profile").status_code == 403


def test_missing_token_gets_a_challenge_without_an_error(stack: Stack, http: httpx.Client) -> None:
    for headers in ({}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Basic ZGVtbzp4"}):
        response = http.get(f"{stack.rs}/resource", headers=headers)
        assert response.status_code == 401
        challenge = response.headers["www-authenticate"]
        assert challenge.startswith(CHALLENGE)
        assert "error" not in challenge


def test_token_in_the_query_is_not_taken(stack: Stack, http: httpx.Client, token: str) -> None:
    response = http.get(f"{stack.rs}/resource", params={"access_token": token})  # RFC 9700 §4.3.2
    assert response.status_code == 401


def test_two_authorization_headers_are_a_bad_request(stack: Stack, http: httpx.Client, token: str) -> None:
    headers = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    response = http.get(f"{stack.rs}/resource", headers=headers)
    assert response.status_code == 400
    assert 'error="invalid_request"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("malformed", ["x", "a.b.c", "...", "a.b.c.d.e", "é", "e30.e30.", "x" * 20_000, "a b"])
def test_malformed_token_is_refused(stack: Stack, http: httpx.Client, malformed: str) -> None:
    headers = {b"authorization": b"Bearer " + malformed.encode()}
    assert is_refused(http.get(f"{stack.rs}/resource", headers=headers))


def test_changed_token_is_refused(demo: RelyingParty, token: str) -> None:
    head, payload, signature = token.split(".")
    claims = json.loads(unverified(token)[1])
    widened = base64url(json.dumps({**claims, "scope": "profile email"}).encode())
    for changed in (f"{head}.{widened}.{signature}", f"{head}.{payload}.{signature[::-1]}", f"{head}.{payload}."):
        assert is_refused(demo.resource(changed))


def test_token_of_a_key_that_is_not_the_issuers_is_refused(demo: RelyingParty, token: str) -> None:
    header, payload = unverified(token)
    claims = json.loads(payload)
    published = demo.http.get(f"{demo.stack.authz}/oauth2/v1/jwks").json()["keys"]
    own = ECKey.generate_key("P-256")
    for forged_header, key in (
        (header, own),
        ({**header, "kid": "unheard-of"}, own),
        ({name: value for name, value in header.items() if name != "kid"}, own),
        ({**header, "jwk": own.as_dict(private=False)}, own),
        ({**header, "jku": "https://evil.example/jwks"}, own),
        ({**header, "alg": "RS256"}, RSAKey.generate_key(2048)),
        ({**header, "alg": "HS256"}, OctKey.import_key(json.dumps(published[0]).encode())),
    ):
        forged = jwt.encode(forged_header, claims, key, algorithms=["ES256", "RS256", "HS256"])
        assert is_refused(demo.resource(forged)), forged_header


@pytest.mark.parametrize("alg", ["none", "None", "NONE"])
def test_unsigned_token_is_refused(demo: RelyingParty, token: str, alg: str) -> None:
    header, _ = unverified(token)
    unsigned = base64url(json.dumps({**header, "alg": alg}).encode())
    _, payload, signature = token.split(".")
    assert is_refused(demo.resource(f"{unsigned}.{payload}."))
    assert is_refused(demo.resource(f"{unsigned}.{payload}.{signature}"))


def test_id_token_is_no_access_token(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    assert is_refused(demo.resource(tokens["id_token"]))
    assert is_refused(demo.resource(tokens["refresh_token"]))


def test_token_for_another_resource_is_refused(control: Control, demo: RelyingParty) -> None:
    del control  # only stacks that the tests start issue tokens for another resource
    other = demo.token("client_credentials", resource=OTHER_RESOURCE).json()["access_token"]
    assert is_refused(demo.resource(other))
    own = demo.token("client_credentials", resource=demo.stack.rs).json()["access_token"]
    assert demo.resource(own).status_code == 200


def test_token_of_another_issuer_is_refused(control: Control, demo: RelyingParty) -> None:
    settings = {"TESSERA_AUTHZ_ISSUER": "http://localhost:9"}
    with control.authz_replica(settings) as replica:
        form = {"grant_type": "client_credentials", "resource": demo.stack.rs}
        token = demo.post("/oauth2/v1/token", base=replica, **form).json()["access_token"]
        claims = demo.verify(token, "ES256")[1]  # right key, right audience
        assert (claims["iss"], claims["aud"]) == ("http://localhost:9", demo.stack.rs)
        assert is_refused(demo.resource(token))


def test_expired_token_is_refused(control: Control, demo: RelyingParty) -> None:
    with control.authz_replica({"TESSERA_AUTHZ_LIFETIMES__ACCESS_TOKEN_SECONDS": "3"}) as replica:
        token = demo.post("/oauth2/v1/token", base=replica, grant_type="client_credentials").json()["access_token"]
        assert demo.resource(token).status_code == 200
        time.sleep(5.1)  # its three seconds, one of tolerance, and the one it may have begun in
        assert is_refused(demo.resource(token))


def test_token_of_another_algorithm_is_refused(control: Control, demo: RelyingParty) -> None:
    with control.authz_replica({"TESSERA_AUTHZ_KEYS__ACCESS_TOKEN_ALG": "ES384"}) as replica:
        token = demo.post("/oauth2/v1/token", base=replica, grant_type="client_credentials").json()["access_token"]
        assert demo.verify(token, "ES384", base=replica)[1]["iss"] == demo.stack.issuer
        assert is_refused(demo.resource(token))


def is_accepted_everywhere(party: RelyingParty, token: str) -> bool:
    """Whether the resource server and introspection take the token."""
    return party.resource(token).status_code == 200 and party.is_active(token)


def within_seconds(seconds: float, condition: Callable[[], bool]) -> None:
    """Wait for a condition: an unknown key is looked for at most once in a few seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)


def test_new_key_is_fetched_when_it_appears_and_the_old_one_stays(
    control: Control, demo: RelyingParty, new_browser: NewBrowser, token: str
) -> None:
    in_a_second = {"TESSERA_AUTHZ_KEYS__PERIOD_DAYS": "0.000001", "TESSERA_AUTHZ_KEYS__ANNOUNCE_HOURS": "0.0003"}
    try:
        with control.authz_replica(in_a_second) as replica:
            time.sleep(1.2)
            form = {"grant_type": "client_credentials"}
            new = demo.post("/oauth2/v1/token", base=replica, **form).json()["access_token"]
            assert unverified(new)[0]["kid"] != unverified(token)[0]["kid"]
            assert is_accepted_everywhere(demo, token)
            within_seconds(6, lambda: is_accepted_everywhere(demo, new))
            published = {key["kid"] for key in demo.http.get(f"{replica}/oauth2/v1/jwks").json()["keys"]}
            assert {unverified(each)[0]["kid"] for each in (new, token)} <= published
    finally:
        control.stop("authz")  # it reads the ring now and then; the tests that follow want one view of it
        control.start("authz")
    assert demo.resource(demo.get_tokens(new_browser())["access_token"]).status_code == 200


def test_unknown_keys_cause_few_fetches(demo: RelyingParty, token: str) -> None:
    header, payload = unverified(token)
    own = ECKey.generate_key("P-256")
    started = time.monotonic()
    for number in range(60):
        forged = jwt.encode({**header, "kid": f"unheard-of-{number}"}, json.loads(payload), own)
        assert is_refused(demo.resource(forged))
    assert time.monotonic() - started < 5
    assert demo.resource(token).status_code == 200


def test_method_other_than_get_is_405(stack: Stack, http: httpx.Client, token: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        response = http.request(method, f"{stack.rs}/resource", headers=bearer(token))
        assert (response.status_code, response.json()["error"]) == (405, "method_not_allowed")

"""The token endpoint (RFC 6749 §3.2): codes, client credentials, client authentication, and what tokens hold."""

import base64
import hashlib
import time
from urllib.parse import quote

import httpx
import pytest

from e2e.browser import Browser
from e2e.clients import CALLBACK, CODE_ONLY, EVERY_SCOPE, ODD, PUBLIC, SERVICE
from e2e.conftest import PartyOf
from e2e.relying_party import Pkce, RelyingParty, base64url, basic, error_of
from e2e.stack import OTHER_RESOURCE, Control, Stack


def test_client_credentials_get_a_token_for_the_client_itself(stack: Stack, demo: RelyingParty) -> None:
    response = demo.token("client_credentials", scope="profile")
    assert response.status_code == 200
    assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")
    tokens = response.json()
    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope"}  # RFC 6749 §4.4.3: nothing to refresh
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 600, "profile")
    header, claims = demo.verify(tokens["access_token"], "ES256")
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert set(claims) == {"iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope"}
    assert (claims["iss"], claims["aud"]) == (stack.issuer, stack.issuer)
    assert (claims["sub"], claims["client_id"], claims["scope"]) == ("client:demo-client", "demo-client", "profile")
    assert claims["exp"] == claims["iat"] + 600


def test_client_credentials_without_a_scope_get_the_registered_one_without_openid(demo: RelyingParty) -> None:
    assert demo.token("client_credentials").json()["scope"] == "profile email"


@pytest.mark.parametrize("scope", ["profile unheard-of", "address", 'pro"file', "pro\\file", "prof\x7file"])
def test_scope_beyond_the_registered_one_is_invalid_scope(demo: RelyingParty, scope: str) -> None:
    assert error_of(demo.token("client_credentials", scope=scope)) == "invalid_scope"


def test_every_token_has_its_own_jti_of_128_random_bits(demo: RelyingParty) -> None:
    tokens = [demo.token("client_credentials").json()["access_token"] for _ in range(8)]
    identifiers = {demo.verify(token, "ES256")[1]["jti"] for token in tokens}
    assert len(identifiers) == 8
    assert all(len(identifier) >= 22 for identifier in identifiers)


def test_short_alias_serves_the_same(demo: RelyingParty) -> None:
    assert demo.post("/oauth/token", grant_type="client_credentials").status_code == 200


def test_resource_becomes_the_audience(stack: Stack, party_of: PartyOf) -> None:
    party = party_of(SERVICE)
    token = party.token("client_credentials", resource=stack.rs).json()["access_token"]
    assert party.verify(token, "ES256")[1]["aud"] == stack.rs
    assert error_of(party.token("client_credentials", resource="https://unheard.example")) == "invalid_target"
    if stack.kind != "url":
        elsewhere = party.token("client_credentials", resource=OTHER_RESOURCE).json()["access_token"]
        assert party.verify(elsewhere, "ES256")[1]["aud"] == OTHER_RESOURCE


def test_id_token_holds_what_every_client_gets_and_nothing_nobody_asked_for(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice, nonce="as it was sent: ä+%20", scope="openid profile email")
    header, claims = demo.verify(tokens["id_token"], "RS256")
    assert (header["alg"], bool(header["kid"])) == ("RS256", True)
    names = {"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"}
    assert set(claims) == names
    assert (claims["nonce"], claims["aud"], claims["amr"]) == ("as it was sent: ä+%20", "demo-client", ["pwd"])
    assert claims["at_hash"] == base64url(hashlib.sha256(tokens["access_token"].encode()).digest()[:16])
    assert claims["auth_time"] <= claims["iat"] <= time.time() + 1


def test_without_openid_there_is_no_id_token(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice, scope="profile")
    assert "id_token" not in tokens
    assert tokens["scope"] == "profile"


def test_access_token_of_a_user_tells_auth_time_and_acr(demo: RelyingParty, alice: Browser) -> None:
    tokens = demo.get_tokens(alice)
    claims = demo.verify(tokens["access_token"], "ES256")[1]
    id_claims = demo.verify(tokens["id_token"], "RS256")[1]
    assert (claims["auth_time"], claims["acr"]) == (id_claims["auth_time"], id_claims["acr"])
    assert claims["sub"] == id_claims["sub"]


def test_client_that_did_not_register_for_refresh_tokens_gets_none(party_of: PartyOf, alice: Browser) -> None:
    assert "refresh_token" not in party_of(CODE_ONLY).get_tokens(alice)


def test_public_client_redeems_its_code_with_the_verifier_alone(party_of: PartyOf, alice: Browser) -> None:
    tokens = party_of(PUBLIC).get_tokens(alice)
    assert set(tokens) >= {"access_token", "refresh_token", "id_token"}


@pytest.mark.parametrize("verifier", [None, Pkce.new().verifier, "too-short", "a" * 129, "ä" * 50])
def test_wrong_verifier_is_invalid_grant_and_leaves_the_code(
    demo: RelyingParty, alice: Browser, verifier: str | None
) -> None:
    code = demo.get_code(alice)
    response = demo.redeem(code, code_verifier=verifier)
    assert (response.status_code, error_of(response)) == (400, "invalid_grant")
    assert demo.redeem(code).status_code == 200  # whoever guessed cannot spoil it for the client


def test_wrong_redirect_uri_is_invalid_grant(demo: RelyingParty, alice: Browser) -> None:
    code = demo.get_code(alice)
    assert error_of(demo.redeem(code, redirect_uri=f"{CALLBACK}/")) == "invalid_grant"
    assert demo.redeem(code, redirect_uri=None).status_code == 200  # OAuth 2.1 §10.2: it may be left out


def test_code_of_another_client_is_invalid_grant(demo: RelyingParty, party_of: PartyOf, alice: Browser) -> None:
    code = demo.get_code(alice)
    thief = party_of(EVERY_SCOPE)
    thief.pkce = demo.pkce
    assert error_of(thief.redeem(code)) == "invalid_grant"
    assert demo.redeem(code).status_code == 200


@pytest.mark.parametrize("code", ["unknown", "a" * 43, "ä€", " ", "x" * 8000])
def test_unknown_code_is_invalid_grant(demo: RelyingParty, code: str) -> None:
    assert error_of(demo.redeem(code)) == "invalid_grant"


def test_second_use_of_a_code_is_invalid_grant_and_revokes_what_came_of_the_first(
    demo: RelyingParty, alice: Browser
) -> None:
    code = demo.get_code(alice)
    tokens = demo.redeem(code).json()
    assert demo.resource(tokens["access_token"]).status_code == 200
    again = demo.redeem(code)
    assert (again.status_code, error_of(again)) == (400, "invalid_grant")
    assert demo.introspect(tokens["access_token"]).json() == {"active": False}
    assert demo.introspect(tokens["refresh_token"]).json() == {"active": False}
    assert error_of(demo.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert demo.resource(tokens["access_token"]).status_code == 401
    assert demo.userinfo(tokens["access_token"]).status_code == 401


def test_code_expires(control: Control, stack: Stack, demo: RelyingParty, alice: Browser) -> None:
    with control.authz_replica({"TESSERA_AUTHZ_LIFETIMES__CODE_SECONDS": "1"}) as replica:
        page = alice.show(demo.authorization_url(prompt="consent"))
        allowed = alice.http.post(page.url, data={**page.form("allow").fields, "action": "allow"})
        resume = alice.http.get(allowed.headers["location"].replace(stack.authz, replica))
        code = httpx.URL(resume.headers["location"]).params["code"]
        time.sleep(1.1)
        assert error_of(demo.redeem(code)) == "invalid_grant"


@pytest.mark.parametrize("grant_type", ["password", "implicit", "urn:example:unheard-of", "AUTHORIZATION_CODE"])
def test_unsupported_grant_type_is_told(demo: RelyingParty, grant_type: str) -> None:
    assert error_of(demo.token(grant_type)) == "unsupported_grant_type"


def test_grant_type_that_the_client_did_not_register_for_is_unauthorized_client(party_of: PartyOf) -> None:
    assert error_of(party_of(CODE_ONLY).token("client_credentials")) == "unauthorized_client"
    assert error_of(party_of(CODE_ONLY).refresh("x")) == "unauthorized_client"
    assert error_of(party_of(SERVICE).redeem("x")) == "unauthorized_client"
    assert error_of(party_of(PUBLIC).token("client_credentials")) == "unauthorized_client"


@pytest.mark.parametrize("missing", ["grant_type", "code", "refresh_token"])
def test_missing_parameter_is_invalid_request(demo: RelyingParty, missing: str) -> None:
    grant_type = {"grant_type": None, "code": "authorization_code", "refresh_token": "refresh_token"}[missing]
    assert error_of(demo.token(grant_type)) == "invalid_request"


def test_credentials_are_form_decoded_first(party_of: PartyOf) -> None:
    party = party_of(ODD)  # RFC 6749 §2.3.1: colons, spaces, percent signs and umlauts in both parts
    assert party.token("client_credentials", scope="openid").status_code == 200
    assert ODD.secret is not None
    percent = f"{quote(ODD.client_id, safe='')}:{quote(ODD.secret, safe='')}"
    headers = {"authorization": f"basic {base64.b64encode(percent.encode()).decode()}"}
    form = {"grant_type": "client_credentials", "scope": "openid"}
    assert party.http.post(f"{party.stack.authz}/oauth2/v1/token", data=form, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "credentials",
    [
        basic("demo-client", "wrong"),
        basic("demo-client", ""),
        basic("demo-client", "x" * 5000),
        basic("nobody", "demo-secret"),
        basic("demo-client", "demo-secret2"),
        basic("DEMO-CLIENT", "demo-secret"),
        {"authorization": "Bearer x"},
        {},
    ],
)
def test_wrong_basic_credentials_are_invalid_client(
    stack: Stack, http: httpx.Client, credentials: dict[str, str]
) -> None:
    form = {"grant_type": "client_credentials"}
    response = http.post(f"{stack.authz}/oauth2/v1/token", data=form, headers=credentials)
    assert (response.status_code, error_of(response)) == (401, "invalid_client")
    assert response.json()["error_description"] == "Client authentication failed."  # whatever was wrong
    assert response.headers.get("www-authenticate", "").startswith("Basic ") is bool(credentials)


@pytest.mark.parametrize(
    "form",
    [
        {"client_id": "demo-client", "client_secret": "demo-secret"},
        {"client_id": "demo-client"},
        {"client_id": "nobody", "client_secret": "x"},
        {"client_id": "e2e-every-scope"},
        {"client_id": "e2e-every-scope", "client_secret": "wrong"},
        {"client_id": "e2e-public", "client_secret": "x"},
    ],
)
def test_method_that_the_client_did_not_register_is_invalid_client(
    stack: Stack, http: httpx.Client, form: dict[str, str]
) -> None:
    response = http.post(f"{stack.authz}/oauth2/v1/token", data={"grant_type": "refresh_token", **form})
    assert (response.status_code, error_of(response)) == (401, "invalid_client")
    assert "www-authenticate" not in response.headers


def test_basic_credentials_of_a_client_that_posts_its_secret_are_invalid_client(party_of: PartyOf) -> None:
    party = party_of(EVERY_SCOPE)
    assert EVERY_SCOPE.secret is not None
    headers = basic(EVERY_SCOPE.client_id, EVERY_SCOPE.secret)
    url = f"{party.stack.authz}/oauth2/v1/token"
    response = party.http.post(url, data={"grant_type": "refresh_token", "refresh_token": "x"}, headers=headers)
    assert (response.status_code, error_of(response)) == (401, "invalid_client")


def test_two_methods_at_once_are_refused(stack: Stack, http: httpx.Client) -> None:
    form = {"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}
    url = f"{stack.authz}/oauth2/v1/token"
    response = http.post(url, data=form, headers=basic("demo-client", "demo-secret"))
    assert (response.status_code, error_of(response)) == (400, "invalid_request")


def test_client_id_beside_basic_credentials_must_be_the_same(demo: RelyingParty) -> None:
    assert demo.token("client_credentials", client_id="demo-client").status_code == 200
    assert error_of(demo.token("client_credentials", client_id="another")) == "invalid_request"


def test_credentials_in_the_query_count_for_nothing(stack: Stack, http: httpx.Client) -> None:
    query = "client_id=e2e-every-scope&client_secret=every+scope+of+the+house"  # RFC 6749 §2.3.1: never in the URI
    response = http.post(f"{stack.authz}/oauth2/v1/token?{query}", data={"grant_type": "refresh_token"})
    assert (response.status_code, error_of(response)) == (401, "invalid_client")

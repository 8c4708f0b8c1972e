"""Metadata (RFC 8414), OpenID discovery and the key set: what they tell is what the server does."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc.jwk import KeySet, RSAKey

from e2e.browser import Browser, as_answer, as_page
from e2e.clients import EVERY_SCOPE
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty, error_of
from e2e.stack import Stack

PLACES = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_PUBLIC = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}
"""RFC 7518 §6, RFC 8037 §2."""


@pytest.fixture
def metadata(stack: Stack, http: httpx.Client) -> dict[str, Any]:
    """What the issuer tells of itself."""
    return dict(http.get(stack.authz + PLACES[0]).json())


def test_metadata_is_told_at_both_places_and_by_the_identity_provider(
    stack: Stack, http: httpx.Client, metadata: dict[str, Any]
) -> None:
    for url in (stack.authz + PLACES[0], stack.authz + PLACES[1], stack.idp + PLACES[1]):
        response = http.get(url)
        assert (response.status_code, response.headers["content-type"]) == (200, "application/json"), url
        assert "max-age" in response.headers["cache-control"]
        assert response.json() == metadata, url


def test_metadata_has_every_required_field(stack: Stack, metadata: dict[str, Any]) -> None:
    assert metadata["issuer"] == stack.issuer
    rfc8414 = {"issuer", "authorization_endpoint", "token_endpoint", "response_types_supported"}
    discovery = {"jwks_uri", "subject_types_supported", "id_token_signing_alg_values_supported"}
    recommended = {"userinfo_endpoint", "scopes_supported", "claims_supported"}
    assert rfc8414 | discovery | recommended <= set(metadata)
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["subject_types_supported"] == ["public", "pairwise"]
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "none" not in metadata["id_token_signing_alg_values_supported"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True


def test_every_url_in_the_metadata_answers(stack: Stack, http: httpx.Client, metadata: dict[str, Any]) -> None:
    urls = {name: value for name, value in metadata.items() if str(value).startswith("http") and name != "issuer"}
    assert {"authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"} <= set(urls)
    for name, url in urls.items():
        assert f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" in stack.urls.values(), name
        answers = [http.get(url), http.post(url)]
        assert all(answer.status_code < 500 for answer in answers), name
        assert {answer.status_code for answer in answers} != {404}, name
        assert not all(answer.status_code in (404, 405) for answer in answers), name


def test_every_grant_type_told_is_served_and_no_other(demo: RelyingParty, metadata: dict[str, Any]) -> None:
    told = metadata["grant_types_supported"]
    assert {"authorization_code", "refresh_token", "client_credentials"} <= set(told)
    for grant_type in (*told, "password", "implicit", "urn:example:unheard-of"):
        response = demo.token(grant_type)
        is_unsupported = response.is_error and error_of(response) == "unsupported_grant_type"
        assert is_unsupported is (grant_type not in told), grant_type


def test_every_response_mode_told_is_served(demo: RelyingParty, alice: Browser, metadata: dict[str, Any]) -> None:
    assert {"query", "form_post"} <= set(metadata["response_modes_supported"])
    for mode in metadata["response_modes_supported"]:
        assert demo.get_answer(alice, response_mode=mode).parameters.keys() & {"code", "response"}, mode


def test_every_prompt_told_is_served(demo: RelyingParty, browser: Browser, metadata: dict[str, Any]) -> None:
    for prompt in metadata["prompt_values_supported"]:
        found = browser.open(demo.authorization_url(prompt=prompt))
        if prompt == "none":
            assert as_answer(found)["error"] == "login_required"
        else:
            assert as_page(found).has("login"), prompt


def test_every_scope_told_is_served(party_of: PartyOf, alice: Browser, metadata: dict[str, Any]) -> None:
    assert set(metadata["scopes_supported"]) >= set(EVERY_SCOPE.scope.split())
    party = party_of(EVERY_SCOPE)
    for scope in EVERY_SCOPE.scope.split():
        asked = f"openid {scope}"
        page = alice.show(party.authorization_url(scope=asked, prompt="consent"))
        tokens = party.redeem(as_answer(alice.submit(page, "allow"))["code"]).json()
        assert set(tokens["scope"].split()) == set(asked.split())


def test_every_client_authentication_method_told_has_a_client_that_uses_it(
    demo: RelyingParty, metadata: dict[str, Any]
) -> None:
    told = metadata["token_endpoint_auth_methods_supported"]
    assert {"client_secret_basic", "client_secret_post", "none"} <= set(told)
    assert "none" not in metadata["introspection_endpoint_auth_methods_supported"]
    assert error_of(demo.post("/oauth2/v1/introspect")) == "invalid_request"


def test_claims_told_are_those_that_id_tokens_and_userinfo_carry(
    party_of: PartyOf, alice: Browser, metadata: dict[str, Any]
) -> None:
    party = party_of(EVERY_SCOPE)
    tokens = party.get_tokens(alice, nonce="n")
    carried = set(party.verify(tokens["id_token"], "RS256")[1]) | set(party.userinfo(tokens["access_token"]).json())
    assert carried == set(metadata["claims_supported"])


def test_key_set_holds_public_signing_keys_with_kid_use_and_alg(
    stack: Stack, http: httpx.Client, metadata: dict[str, Any]
) -> None:
    response = http.get(metadata["jwks_uri"])
    assert response.status_code == 200
    assert response.headers["content-type"] in ("application/jwk-set+json", "application/json")
    keys = response.json()["keys"]
    assert {key["alg"] for key in keys} >= {"ES256", "RS256"}
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert not _PRIVATE & set(key)
        assert key["use"] == "sig"
        assert set(key) >= _PUBLIC[key["kty"]]
    for key in KeySet.import_key_set(response.json()).keys:
        assert not key.is_private
        assert not isinstance(key, RSAKey) or key.public_key.key_size >= 2048
    assert stack.authz in metadata["jwks_uri"]


def test_key_set_may_be_cached_and_asked_for_again(http: httpx.Client, metadata: dict[str, Any]) -> None:
    first = http.get(metadata["jwks_uri"])
    assert "max-age" in first.headers["cache-control"]
    again = http.get(metadata["jwks_uri"], headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert http.get(metadata["jwks_uri"], headers={"if-none-match": '"another"'}).status_code == 200


def test_browsers_of_other_origins_may_read_metadata_and_keys(http: httpx.Client, metadata: dict[str, Any]) -> None:
    for url in (metadata["jwks_uri"], metadata["issuer"] + PLACES[0]):
        answer = http.get(url, headers={"origin": "https://app.example"})
        assert answer.headers["access-control-allow-origin"] == "*"


def test_health_is_ok_while_the_services_can_serve(stack: Stack, http: httpx.Client) -> None:
    for url in stack.urls.values():
        response = http.get(f"{url}/health")
        assert (response.status_code, response.json()["status"]) == (200, "ok")

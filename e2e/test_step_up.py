"""Protected resource metadata (RFC 9728) and step-up (RFC 9470) at the resource server."""

import re
import time

import httpx

from e2e.browser import Browser
from e2e.relying_party import RelyingParty
from e2e.stack import Stack

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def test_metadata_names_the_authorization_server_and_the_scopes(stack: Stack, http: httpx.Client) -> None:
    document = http.get(stack.rs + WELL_KNOWN).json()
    assert document["resource"] == stack.rs
    assert document["authorization_servers"] == [stack.issuer]
    assert set(document["scopes_supported"]) == {"profile", "email"}
    assert document["bearer_methods_supported"] == ["header"]


def test_every_challenge_points_to_the_metadata(stack: Stack, demo: RelyingParty) -> None:
    token = demo.token("client_credentials", scope="email").json()["access_token"]
    challenged = [
        demo.http.get(f"{stack.rs}/resource"),
        demo.resource("garbage"),
        demo.resource(token, "/resource/profile"),
        demo.resource(token, "/resource/sensitive"),
    ]
    assert [response.status_code for response in challenged] == [401, 401, 403, 401]
    for response in challenged:
        assert f'resource_metadata="{stack.rs}{WELL_KNOWN}"' in response.headers["www-authenticate"]


def test_client_finds_its_way_from_the_challenge_to_a_token(stack: Stack, demo: RelyingParty, alice: Browser) -> None:
    challenge = demo.http.get(f"{stack.rs}/resource").headers["www-authenticate"]
    found = re.search(r'resource_metadata="([^"]+)"', challenge)
    assert found
    resource = demo.http.get(found[1]).json()
    server = demo.http.get(f"{resource['authorization_servers'][0]}/.well-known/oauth-authorization-server").json()
    assert server["issuer"] == stack.issuer
    tokens = demo.get_tokens(alice, resource=resource["resource"])
    assert demo.verify(tokens["access_token"], "ES256")[1]["aud"] == stack.rs
    assert demo.resource(tokens["access_token"]).status_code == 200


def test_recent_login_opens_the_sensitive_resource(demo: RelyingParty, browser: Browser) -> None:
    tokens = demo.get_tokens(browser, prompt="login")
    assert demo.resource(tokens["access_token"], "/resource/sensitive").status_code == 200


def test_token_without_a_user_is_told_what_login_is_needed(demo: RelyingParty) -> None:
    token = demo.token("client_credentials").json()["access_token"]
    response = demo.resource(token, "/resource/sensitive")
    assert response.status_code == 401
    challenge = response.headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert re.search(r'max_age="\d+"', challenge)


def test_step_up_leads_from_the_challenge_to_a_newer_login(demo: RelyingParty, browser: Browser) -> None:
    old = demo.verify(demo.get_tokens(browser, prompt="login")["access_token"], "ES256")[1]["auth_time"]
    while time.time() < old + 1.1:
        time.sleep(0.1)
    newer = demo.get_tokens(browser, max_age="0")["access_token"]
    assert demo.verify(newer, "ES256")[1]["auth_time"] > old
    assert demo.resource(newer, "/resource/sensitive").status_code == 200

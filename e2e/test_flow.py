"""P6.05.01: the whole flow as one test."""

import hashlib
import time

from e2e.browser import Browser, as_answer, as_page
from e2e.clients import PASSWORD, USERNAME
from e2e.relying_party import RelyingParty, base64url
from e2e.stack import Stack


def test_flow_from_authorization_request_to_a_refused_revoked_token_takes_less_than_five_seconds(
    stack: Stack, browser: Browser, demo: RelyingParty
) -> None:
    started = time.monotonic()

    # the authorization request leads to the login page, that to the consent page, that back to the client
    login = browser.show(demo.authorization_url(nonce="n-0S6_WzA2Mj", prompt="consent"))
    consent = as_page(browser.log_in(login, USERNAME, PASSWORD))
    answer = as_answer(browser.submit(consent, "allow"))
    assert browser.visited[-1].status_code == 302
    assert set(answer.parameters) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == (demo.state, stack.issuer)

    # code -> tokens (RFC 6749 §5.1, OIDC Core §3.1.3.3)
    response = demo.redeem(answer["code"])
    assert response.status_code == 200, response.text
    assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")
    tokens = response.json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    check_access_token(demo, tokens)
    check_id_token(demo, tokens)
    assert "." not in tokens["refresh_token"]

    # the resource server accepts it
    resource = demo.resource(tokens["access_token"], "/resource/profile")
    sub = demo.verify(tokens["access_token"], "ES256")[1]["sub"]
    assert resource.status_code == 200
    assert resource.json() == {"sub": sub, "client_id": "demo-client", "scope": "openid profile email"}

    # introspection knows it (RFC 7662 §2.2)
    introspected = demo.introspect(tokens["access_token"]).json()
    assert (introspected["active"], introspected["sub"], introspected["token_type"]) == (True, sub, "Bearer")
    assert (introspected["client_id"], introspected["scope"]) == ("demo-client", "openid profile email")

    # refresh rotates the refresh token (RFC 6749 §6)
    refreshed = demo.refresh(tokens["refresh_token"]).json()
    assert refreshed["refresh_token"] != tokens["refresh_token"]
    assert refreshed["access_token"] != tokens["access_token"]
    assert demo.resource(refreshed["access_token"]).status_code == 200

    # what was revoked is refused everywhere at once (RFC 7009 §2.1)
    assert demo.revoke(refreshed["refresh_token"]).status_code == 200
    for token in (tokens["access_token"], refreshed["access_token"]):
        assert demo.introspect(token).json() == {"active": False}
        refused = demo.resource(token)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert demo.refresh(refreshed["refresh_token"]).json()["error"] == "invalid_grant"

    assert time.monotonic() - started < 5


def check_access_token(party: RelyingParty, tokens: dict[str, str]) -> None:
    """RFC 9068 §2."""
    header, claims = party.verify(tokens["access_token"], "ES256")
    assert header["typ"] == "at+jwt"
    assert (claims["iss"], claims["aud"]) == (party.stack.issuer, party.stack.issuer)
    assert (claims["client_id"], claims["scope"]) == ("demo-client", "openid profile email")
    assert claims["exp"] - claims["iat"] == 600
    assert abs(claims["iat"] - time.time()) < 10
    assert len(claims["jti"]) >= 22
    assert abs(claims["auth_time"] - time.time()) < 10
    assert claims["sub"]


def check_id_token(party: RelyingParty, tokens: dict[str, str]) -> None:
    """OpenID Connect Core §2, §3.1.3.6."""
    header, claims = party.verify(tokens["id_token"], "RS256")
    assert header["kid"]
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()
    assert claims["at_hash"] == base64url(digest[:16])
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (party.stack.issuer, "demo-client", "n-0S6_WzA2Mj")
    assert claims["sub"] == party.verify(tokens["access_token"], "ES256")[1]["sub"]
    assert claims["exp"] > time.time() > claims["iat"] - 2

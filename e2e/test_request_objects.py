"""Request objects (RFC 9101), by value and pushed, and clients that must use them."""

import time
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from e2e.browser import Browser, as_answer, as_page
from e2e.clients import CALLBACK, DEMO, MUST_PUSH, MUST_SIGN, SIGNING, SIGNING_KEYS
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty, error_of


def sign(party: RelyingParty, alg: str = "ES256", typ: str | None = "oauth-authz-req+jwt", **changes: Any) -> str:
    """A request object that is right but for the changes; None leaves a claim out."""
    now = int(time.time())
    claims = {
        **party.authorization_request(),
        "iss": party.client.client_id,
        "aud": party.stack.issuer,
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        **changes,
    }
    key = SIGNING_KEYS[alg]
    header = {"alg": alg, "kid": key.kid} | ({} if typ is None else {"typ": typ})
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(header, kept, key, algorithms=[alg], default_type=None)


@pytest.fixture
def signing(party_of: PartyOf) -> RelyingParty:
    """A client with keys of its own."""
    return party_of(SIGNING)


def outside(party: RelyingParty, request: str, **more: str) -> str:
    """The address of a request that holds no more than it must beside its request object."""
    keep = {name: None for name in party.authorization_request() if name not in ("client_id", "redirect_uri")}
    return party.authorization_url(**{**keep, "request": request, **more})


@pytest.mark.parametrize("alg", SIGNING_KEYS)
@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "JWT", None])
def test_signed_request_is_served(signing: RelyingParty, alice: Browser, alg: str, typ: str | None) -> None:
    answer = as_answer(_finish(alice, outside(signing, sign(signing, alg, typ))))
    assert answer["state"] == signing.state
    assert signing.redeem(answer["code"]).status_code == 200


def test_what_is_inside_wins_over_what_is_outside(signing: RelyingParty, alice: Browser) -> None:
    url = outside(signing, sign(signing), state="outside", scope="openid email", nonce="outside")
    answer = as_answer(_finish(alice, url))
    assert answer["state"] == signing.state
    tokens = signing.redeem(answer["code"]).json()
    assert tokens["scope"] == "openid profile"
    assert "nonce" not in signing.verify(tokens["id_token"], "RS256")[1]


def test_signed_request_can_be_pushed(signing: RelyingParty, alice: Browser) -> None:
    response = signing.post("/oauth2/v1/par", request=sign(signing))
    assert response.status_code == 201, response.text
    empty = dict.fromkeys(signing.authorization_request())
    url = signing.authorization_url(
        **{**empty, "client_id": SIGNING.client_id, "request_uri": response.json()["request_uri"]}
    )
    assert signing.redeem(as_answer(_finish(alice, url))["code"]).status_code == 200


NOW = int(time.time())
BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "no exp": {"exp": None},
    "no nbf": {"nbf": None},
    "expired": {"exp": NOW - 100},
    "exp too far ahead": {"exp": NOW + 8000},
    "nbf too far back": {"nbf": NOW - 8000},
    "not yet valid": {"nbf": NOW + 600, "exp": NOW + 660},
    "wrong aud": {"aud": "https://other.example"},
    "no aud": {"aud": None},
    "wrong iss": {"iss": "demo-client"},
    "another client inside": {"client_id": "demo-client"},
    "a client assertion": {"sub": SIGNING.client_id},
    "a request inside": {"request": "x"},
    "a request_uri inside": {"request_uri": "urn:x"},
}


@pytest.mark.parametrize("kind", BAD_CLAIMS)
def test_object_with_wrong_claims_is_invalid_request_object(signing: RelyingParty, browser: Browser, kind: str) -> None:
    request = sign(signing, **BAD_CLAIMS[kind])
    assert as_answer(browser.open(outside(signing, request)))["error"] == "invalid_request_object"
    pushed = signing.post("/oauth2/v1/par", request=request)
    assert (pushed.status_code, error_of(pushed)) == (400, "invalid_request_object")


def forge(party: RelyingParty, kind: str) -> str:
    """A request object that the client did not sign."""
    good = sign(party)
    payload = jws.extract_compact(good.encode()).payload
    public = SIGNING_KEYS["PS256"].as_pem(private=False)
    match kind:
        case "none":
            return "eyJhbGciOiJub25lIn0." + good.split(".")[1] + "."
        case "another key":
            key = ECKey.generate_key("P-256")
            return jws.serialize_compact({"alg": "ES256", "kid": SIGNING_KEYS["ES256"].kid}, payload, key, ["ES256"])
        case "another key inside the header":
            key = ECKey.generate_key("P-256")
            header = {"alg": "ES256", "jwk": key.as_dict(private=False)}
            return jws.serialize_compact(header, payload, key, ["ES256"])
        case "HS256 with the public key":
            key_of_public = OctKey.import_key(public.hex())
            return jws.serialize_compact({"alg": "HS256"}, payload, key_of_public, ["HS256"])
        case "RS256 by a key for PS256":
            rsa = RSAKey.import_key(SIGNING_KEYS["PS256"].as_pem(private=True))
            return jws.serialize_compact({"alg": "RS256", "kid": SIGNING_KEYS["PS256"].kid}, payload, rsa, ["RS256"])
        case "another typ":
            return sign(party, typ="at+jwt")
        case "tampered":
            head, body, signature = good.split(".")
            return f"{head}.{body[:-2]}{'AA' if body[-2:] != 'AA' else 'BB'}.{signature}"
        case _:
            return kind


@pytest.mark.parametrize(
    "kind",
    [
        "none",
        "another key",
        "another key inside the header",
        "HS256 with the public key",
        "RS256 by a key for PS256",
        "another typ",
        "tampered",
        "garbage",
        "a.b.c",
    ],
)
def test_object_that_the_client_did_not_sign_is_invalid_request_object(
    signing: RelyingParty, browser: Browser, kind: str
) -> None:
    assert as_answer(browser.open(outside(signing, forge(signing, kind))))["error"] == "invalid_request_object"


def test_error_without_an_address_outside_stays_on_a_page(signing: RelyingParty, browser: Browser) -> None:
    url = outside(signing, "garbage", redirect_uri="https://evil.example/")
    page = as_page(browser.open(url))
    assert (page.status, page.texts["error"]) == (400, "invalid_request_object")


def test_redirect_uri_inside_is_checked_too(signing: RelyingParty, browser: Browser) -> None:
    page = as_page(browser.open(outside(signing, sign(signing, redirect_uri="https://evil.example/"))))
    assert (page.status, page.texts["error"]) == (400, "invalid_request")


def test_client_without_keys_gets_request_not_supported(party_of: PartyOf, browser: Browser) -> None:
    demo = party_of(DEMO)
    assert as_answer(browser.open(outside(demo, sign(demo))))["error"] == "request_not_supported"


def test_client_that_must_sign_is_refused_without_and_served_with_its_algorithm(
    party_of: PartyOf, alice: Browser
) -> None:
    party = party_of(MUST_SIGN)
    assert as_answer(alice.open(party.authorization_url()))["error"] == "invalid_request"
    assert error_of(party.post("/oauth2/v1/par", **party.authorization_request())) == "invalid_request"
    assert as_answer(alice.open(outside(party, sign(party, "ES256"))))["error"] == "invalid_request_object"
    assert "code" in as_answer(_finish(alice, outside(party, sign(party, "PS256"))))


def test_client_that_must_push_is_refused_without(party_of: PartyOf, browser: Browser) -> None:
    answer = as_answer(browser.open(party_of(MUST_PUSH).authorization_url()))
    assert (answer["error"], answer.url.split("?")[0]) == ("invalid_request", CALLBACK)


def _finish(browser: Browser, url: str) -> Any:
    """Open the address, and allow the access where it is asked for."""
    found = browser.open(url)
    return browser.submit(found, "allow") if hasattr(found, "form") and found.has("allow") else found

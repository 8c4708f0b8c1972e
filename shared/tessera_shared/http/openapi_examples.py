"""Examples of the OpenAPI documents: by a parameter's name, which means the same everywhere, and by a body's type."""

from collections.abc import Mapping
from typing import Any

_JWT = "eyJhbGciOiJFUzI1NiIsImtpZCI6IlgifQ.eyJpc3MiOiJodHRwOi8vbG9jYWxob3N0OjgwODAifQ.c2lnbmF0dXJl"
_OPAQUE = "sxXuyQG3wHdIfAwkdEhN5Rr5PnJbq9HqkdWYmWkrz9Y"

PARAMETERS: Mapping[str, str] = {
    "DPoP": _JWT,
    "access_token": _JWT,
    "account": "alice",
    "acr_values": "urn:tessera:acr:multi-factor",
    "answer": _JWT,
    "ask": _JWT,
    "before": "2026-11-24T12:00:00+00:00",
    "birthdate": "1852-05-04",
    "claims": '{"id_token":{"auth_time":{"essential":true}}}',
    "claims_locales": "en",
    "client_assertion": _JWT,
    "client_id": "demo-client",
    "client_secret": "demo-secret",
    "code": _OPAQUE,
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # RFC 7636, Appendix B
    "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "country": "United Kingdom",
    "credential": '{"id":"AQ","type":"public-key"}',
    "csrf": _OPAQUE,
    "current": "the password of today",
    "done": "saved",
    "dpop_jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",  # RFC 9449 §6.1
    "email": "alice@wonderland.example",
    "family_name": "Liddell",
    "gender": "female",
    "given_name": "Alice",
    "grace_seconds": "3600",
    "id": "b9801fcc-c150-4fea-90b9-fd7acbf98ebc",
    "id_token_hint": _JWT,
    "lang": "de",
    "locale": "en-GB",
    "locality": "Oxford",
    "login_hint": "alice",
    "logout_hint": "alice",
    "max_age": "300",
    "middle_name": "Pleasance",
    "name": "Alice Liddell",
    "nickname": "Al",
    "nonce": "n-0S6_WzA2Mj",
    "offer": _JWT,
    "password": "correct horse battery staple",
    "phone_number": "+441865000000",
    "picture": "https://wonderland.example/alice.png",
    "post_logout_redirect_uri": "http://localhost:3000/",
    "postal_code": "OX1 1DP",
    "profile": "https://wonderland.example/alice",
    "prompt": "login",
    "redirect_uri": "http://localhost:3000/callback",
    "refresh_token": _OPAQUE,
    "region": "Oxfordshire",
    "request": _JWT,
    "request_uri": f"urn:ietf:params:oauth:request_uri:{_OPAQUE}",
    "resource": "http://localhost:8082",
    "scope": "openid profile",
    "sid": "ZPhANLKIEuA5EQUxxeStHg",
    "state": "af0ifjsldkj",
    "street_address": "Christ Church",
    "token": _OPAQUE,
    "token_type_hint": "access_token",
    "ui_locales": "de en",
    "username": "alice",
    "v": "648814f768aba80f",
    "website": "https://wonderland.example",
    "zoneinfo": "Europe/London",
}

BODIES: Mapping[str, Mapping[str, Any]] = {
    "TokenAnswer": {
        "access_token": _JWT,
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "openid profile",
        "id_token": _JWT,
        "refresh_token": _OPAQUE,
    },
    "IntrospectionAnswer": {
        "active": True,
        "token_type": "Bearer",
        "client_id": "demo-client",
        "sub": "client:demo-client",
        "scope": "profile",
    },
    "PushedAnswer": {"request_uri": f"urn:ietf:params:oauth:request_uri:{_OPAQUE}", "expires_in": 60},
    "JwkSet": {"keys": []},
    "ClientMetadata": {
        "client_name": "Tea",
        "redirect_uris": ["https://tea.example/callback"],
        "scope": "openid profile",
    },
    "ClientInformation": {
        "client_id": "4f6c1a52-4f6e-4a54-9f0e-3a4b2a9d7c11",
        "client_secret": _OPAQUE,
        "client_secret_expires_at": 0,
        "client_name": "Tea",
        "redirect_uris": ["https://tea.example/callback"],
        "registration_access_token": _OPAQUE,
        "registration_client_uri": "http://localhost:8080/oauth2/v1/register/4f6c1a52-4f6e-4a54-9f0e-3a4b2a9d7c11",
    },
    "RotatedSecret": {"client_id": "demo-client", "client_secret": _OPAQUE, "client_secret_expires_at": 0},
    "Told": {"sub": "client:demo-client", "client_id": "demo-client", "scope": "profile"},
    "Refusal": {"error": "invalid_token", "error_description": "An access token is needed."},
    "OAuthErrorBody": {"error": "invalid_request", "error_description": "A parameter was sent more than once."},
    "Healthy": {"status": "ok"},
    "Unhealthy": {"status": "unavailable", "failing": ["database"]},
}

_ERRORS: Mapping[int, tuple[str, str]] = {
    401: ("invalid_client", "Client authentication failed."),
    403: ("access_denied", "This endpoint is not served to your network."),
    408: ("invalid_request", "The body did not come in time."),
    413: ("invalid_request", "The body is too large."),
    415: ("invalid_request", "The content type must be application/x-www-form-urlencoded."),
    429: ("too_many_requests", "There were too many tries. Wait a little, then try again."),
    503: ("temporarily_unavailable", "Try again in a moment."),
}
_TOKEN_ERRORS: Mapping[int, tuple[str, str]] = {
    401: ("invalid_token", "The access token is expired, revoked or not valid here."),
    403: ("insufficient_scope", "The access token does not have the scope of this resource."),
}


def error_example(status: int, *, by_token: bool) -> Mapping[str, str]:
    """An error of this status, at an operation for clients or for access tokens (`by_token`)."""
    errors = {**_ERRORS, **(_TOKEN_ERRORS if by_token else {})}
    error, description = errors.get(status, ("invalid_request", "A parameter was sent more than once."))
    return {"error": error, "error_description": description}

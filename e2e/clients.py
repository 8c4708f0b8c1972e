"""The clients that the tests speak for: the demo client of configs/authz.yml, and a few that need other metadata.

They are made the way a user makes a client without an API: as `bootstrap_clients` of authz's configuration.
"""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from joserfc.jwk import ECKey, OKPKey, RSAKey

from e2e import key_host
from e2e.certificates import issue

ROOT = Path(__file__).resolve().parent.parent
CALLBACK = "http://localhost:3000/callback"
CALLBACK_WITH_QUERY = f"{CALLBACK}?tenant=blue&x=%20y"
AFTER_LOGOUT = "http://localhost:3000/"
USERNAME, PASSWORD = "alice", "wonderland-42"
SIGNING_KEYS: dict[str, RSAKey | ECKey | OKPKey] = {
    "PS256": RSAKey.generate_key(2048, {"use": "sig", "alg": "PS256"}, auto_kid=True),
    "ES256": ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True),
    "Ed25519": OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "Ed25519"}, auto_kid=True),
}
"""The keys of the clients that sign, by algorithm."""
RSA_KEY = RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)
"""A client's key for every RSA algorithm."""
SELF_SIGNED_CERTIFICATE, NATIVE_CERTIFICATE = issue(), issue()
"""Of the clients that register a certificate of their own."""
CODE_GRANTS = ["authorization_code", "refresh_token"]


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client and how it authenticates."""

    client_id: str
    secret: str | None = None
    method: str = "client_secret_basic"
    redirect_uri: str = CALLBACK
    scope: str = "openid profile email"


DEMO = Client("demo-client", "demo-secret")
EVERY_SCOPE = Client(
    "e2e-every-scope",
    "every scope of the house",
    method="client_secret_post",
    scope="openid profile email address phone offline_access",
)
PUBLIC = Client("e2e-public", method="none", redirect_uri="http://127.0.0.1/native/callback", scope="openid profile")
ODD = Client("e2e odd:client/ä", "päss: wörd+&%41=?", scope="openid")
SERVICE = Client("e2e-service", "e2e-service-secret", scope="profile reports:read")
CODE_ONLY = Client("e2e-code-only", "e2e-code-only-secret", scope="openid profile")
OIDC = Client("e2e-oidc", "e2e-oidc-secret", scope="openid")
STEADY = Client("e2e-steady", "e2e-steady-secret", scope="openid profile")
SIGNING = Client("e2e-signing", "e2e-signing-secret", scope="openid profile")
MUST_SIGN = Client("e2e-must-sign", "e2e-must-sign-secret", scope="openid")
MUST_PUSH = Client("e2e-must-push", "e2e-must-push-secret", scope="openid")
PRIVATE_KEY = Client("e2e-private-key", method="private_key_jwt", scope="openid profile")
ANY_AUDIENCE = Client("e2e-any-audience", method="private_key_jwt", scope="profile")
ES256_ONLY = Client("e2e-es256-only", method="private_key_jwt", scope="profile")
FAPI2 = Client("e2e-fapi2", method="private_key_jwt", scope="openid profile")
KEYS_ELSEWHERE = Client("e2e-keys-elsewhere", method="private_key_jwt", scope="profile")
KEYS_INSIDE = Client("e2e-keys-inside", method="private_key_jwt", scope="profile")
KEYS_AT_A_REDIRECT = Client("e2e-keys-at-a-redirect", method="private_key_jwt", scope="profile")
SECRET_JWT = Client("e2e-secret-jwt", secrets.token_hex(32), method="client_secret_jwt", scope="profile")
HS512_ONLY = Client("e2e-hs512-only", secrets.token_hex(32), method="client_secret_jwt", scope="profile")
DPOP_BOUND = Client("e2e-dpop-bound", "e2e-dpop-bound-secret", scope="openid profile")
NEVER_ALLOWED = Client("e2e-never-allowed", "e2e-never-allowed-secret")
MULTI_FACTOR = Client("e2e-multi-factor", "e2e-multi-factor-secret", scope="openid profile")
VAULT = Client("e2e-vault", "e2e-vault-secret", scope="openid vault")
IMPATIENT = Client("e2e-impatient", "e2e-impatient-secret", scope="openid profile")
TLS_DEMO = Client("demo-tls-client", method="tls_client_auth")
SELF_SIGNED = Client("e2e-self-signed", method="self_signed_tls_client_auth")
NATIVE_BOUND = Client("e2e-native-bound", method="none", scope="openid profile")
TLS_NAMES = {
    "tls_client_auth_subject_dn": "CN=e2e,O=Tests",
    "tls_client_auth_san_dns": "client.e2e.example",
    "tls_client_auth_san_uri": "https://client.e2e.example/id",
    "tls_client_auth_san_ip": "2001:db8::e2e",
    "tls_client_auth_san_email": "client@e2e.example",
}
"""A client for each way to register the subject of a certificate (RFC 8705 §2.1.2)."""
TLS_NAMED = {field: Client(f"e2e-{field}", method="tls_client_auth", scope="profile") for field in TLS_NAMES}

KEY_HOST = f"http://KEYS:{key_host.PORT}"
"""Where clients keep their keys; KEYS stands for the name by which the stack reaches the tests."""
_SERVICE = {"client_name": "Service", "redirect_uris": [CALLBACK], "grant_types": ["client_credentials"]}
_KEYS = {"keys": [key.as_dict(private=False) for key in (*SIGNING_KEYS.values(), RSA_KEY)]}

_METADATA: dict[Client, dict[str, Any]] = {
    EVERY_SCOPE: {
        "client_name": "Tea & <i>Biscuits</i>",
        "client_uri": "https://tea.example/",
        "logo_uri": "https://tea.example/logo.png",
        "policy_uri": "https://tea.example/policy",
        "tos_uri": "https://tea.example/terms",
        "redirect_uris": [CALLBACK, CALLBACK_WITH_QUERY],
        "post_logout_redirect_uris": [AFTER_LOGOUT, f"{AFTER_LOGOUT}bye?from=tea"],
        "grant_types": CODE_GRANTS,
    },
    PUBLIC: {"client_name": "Native", "redirect_uris": [PUBLIC.redirect_uri, CALLBACK], "grant_types": CODE_GRANTS},
    ODD: {"client_name": "Odd", "redirect_uris": [CALLBACK], "grant_types": [*CODE_GRANTS, "client_credentials"]},
    SERVICE: {"client_name": "Service", "redirect_uris": [CALLBACK], "grant_types": ["client_credentials"]},
    CODE_ONLY: {"client_name": "Code only", "redirect_uris": [CALLBACK], "grant_types": ["authorization_code"]},
    OIDC: {"client_name": "OIDC", "redirect_uris": [CALLBACK], "grant_types": CODE_GRANTS, "profile": "oidc"},
    STEADY: {
        "client_name": "Steady",
        "redirect_uris": [CALLBACK],
        "grant_types": CODE_GRANTS,
        "refresh_token_rotation": False,
    },
    SIGNING: {
        "client_name": "Signing",
        "redirect_uris": [CALLBACK],
        "grant_types": CODE_GRANTS,
        "jwks": {"keys": [key.as_dict(private=False) for key in SIGNING_KEYS.values()]},
    },
    MUST_SIGN: {
        "client_name": "Must sign",
        "redirect_uris": [CALLBACK],
        "grant_types": CODE_GRANTS,
        "require_signed_request_object": True,
        "request_object_signing_alg": "PS256",
        "jwks": {"keys": [SIGNING_KEYS["PS256"].as_dict(private=False)]},
    },
    MUST_PUSH: {
        "client_name": "Must push",
        "redirect_uris": [CALLBACK],
        "grant_types": CODE_GRANTS,
        "require_pushed_authorization_requests": True,
    },
    PRIVATE_KEY: {
        "client_name": "Private key",
        "redirect_uris": [CALLBACK],
        "grant_types": [*CODE_GRANTS, "client_credentials"],
        "jwks": _KEYS,
    },
    ANY_AUDIENCE: {**_SERVICE, "jwks": _KEYS, "assertion_audience": "any"},
    ES256_ONLY: {**_SERVICE, "jwks": _KEYS, "token_endpoint_auth_signing_alg": "ES256"},
    FAPI2: {
        "client_name": "FAPI 2.0",
        "redirect_uris": [CALLBACK],
        "grant_types": [*CODE_GRANTS, "client_credentials"],
        "jwks": _KEYS,
        "profile": "fapi2",
    },
    KEYS_ELSEWHERE: {**_SERVICE, "jwks_uri": f"{KEY_HOST}/jwks"},
    KEYS_INSIDE: {**_SERVICE, "jwks_uri": f"http://127.0.0.1:{key_host.PORT}/jwks"},
    KEYS_AT_A_REDIRECT: {**_SERVICE, "jwks_uri": f"{KEY_HOST}/moved"},
    SECRET_JWT: _SERVICE,
    HS512_ONLY: {**_SERVICE, "token_endpoint_auth_signing_alg": "HS512"},
    DPOP_BOUND: {
        "client_name": "Bound",
        "redirect_uris": [CALLBACK],
        "grant_types": [*CODE_GRANTS, "client_credentials"],
        "dpop_bound_access_tokens": True,
    },
    NEVER_ALLOWED: {"client_name": "Never allowed", "redirect_uris": [CALLBACK], "grant_types": CODE_GRANTS},
    MULTI_FACTOR: {
        "client_name": "Multi-factor",
        "redirect_uris": [CALLBACK],
        "grant_types": CODE_GRANTS,
        "require_acr": "urn:tessera:acr:multi-factor",
    },
    VAULT: {"client_name": "Vault", "redirect_uris": [CALLBACK], "grant_types": CODE_GRANTS},
    IMPATIENT: {
        "client_name": "Impatient",
        "redirect_uris": [CALLBACK],
        "grant_types": CODE_GRANTS,
        "initiate_login_uri": "https://impatient.example/start?from=account",
        "default_max_age": 1,
        "require_auth_time": True,
        "default_acr_values": ["urn:tessera:acr:one-factor"],
    },
    SELF_SIGNED: {
        "client_name": "Self-signed",
        "redirect_uris": [CALLBACK],
        "grant_types": [*CODE_GRANTS, "client_credentials"],
        "jwks": SELF_SIGNED_CERTIFICATE.jwks,
        "tls_client_certificate_bound_access_tokens": True,
    },
    NATIVE_BOUND: {
        "client_name": "Native, with a certificate",
        "redirect_uris": [CALLBACK],
        "grant_types": CODE_GRANTS,
        "jwks": NATIVE_CERTIFICATE.jwks,
        "tls_client_certificate_bound_access_tokens": True,
    },
    **{
        TLS_NAMED[field]: {
            "client_name": field,
            "redirect_uris": [CALLBACK],
            "grant_types": ["client_credentials"],
            field: name,
        }
        for field, name in TLS_NAMES.items()
    },
}


def bootstrap_scopes() -> str:
    """The setting `bootstrap_scopes` as JSON: the scopes of the clients above that are no standard ones."""
    reports = {"name": "reports:read", "title": "Read reports", "detail": "Of every quarter"}
    vault = {"name": "vault", "title": "Open the vault", "acr": "urn:tessera:acr:multi-factor"}
    return json.dumps([reports, vault])


def bootstrap_clients(key_host_name: str) -> str:
    """The setting `bootstrap_clients` as JSON: what configs/authz.yml has, and the tests' own."""
    configured = yaml.safe_load((ROOT / "configs" / "authz.yml").read_text(encoding="utf-8"))["bootstrap_clients"]
    clients = [*configured, *(_bootstrap(client, extra) for client, extra in _METADATA.items())]
    return json.dumps(clients).replace("//KEYS:", f"//{key_host_name}:")


def _bootstrap(client: Client, extra: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        "response_types": ["code"] if "authorization_code" in extra["grant_types"] else [],
        "scope": client.scope,
        "token_endpoint_auth_method": client.method,
        **extra,
    }
    return {"client_id": client.client_id, "client_secret": client.secret, "metadata": metadata}

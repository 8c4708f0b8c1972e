"""What the foreign clients are told: a client's metadata, and keys."""

from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey

from e2e.clients import Client

Known = dict[str, Any]
Key = RSAKey | ECKey | OKPKey

KEYS: dict[str, Key] = {
    "RS256": RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True),
    "PS256": RSAKey.generate_key(2048, {"use": "sig", "alg": "PS256"}, auto_kid=True),
    "ES256": ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True),
    "ES384": ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True),
    "Ed25519": OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "Ed25519"}, auto_kid=True),
}
"""The private keys of the clients that sign, by algorithm."""


def of(client: Client, **parameters: Any) -> Known:
    """A client of `e2e.clients` as scripts read it, with the parameters of its authorization request."""
    metadata = {
        "client_id": client.client_id,
        "client_secret": client.secret,
        "token_endpoint_auth_method": client.method,
    }
    return asking(metadata, redirect_uri=client.redirect_uri, scope=client.scope, **parameters)


def asking(metadata: dict[str, Any], *, redirect_uri: str, scope: str, **parameters: Any) -> Known:
    """A client by its metadata (RFC 7591 §2), and what it asks for."""
    return {"client": metadata, "redirect_uri": redirect_uri, "scope": scope, "parameters": parameters}


def private(algorithm: str) -> dict[str, Any]:
    """The private key for an algorithm, as scripts read it."""
    return dict(KEYS[algorithm].as_dict(private=True))


def public(algorithm: str) -> dict[str, Any]:
    """The key set that a client registers for it."""
    return {"keys": [dict(KEYS[algorithm].as_dict(private=False))]}

"""Client profiles: named defaults of plain per-client settings, each of which a client's metadata can set alone."""

from collections.abc import Mapping

ALL_SIGNING_ALGS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
FAPI2_SIGNING_ALGS = ("PS256", "ES256", "EdDSA", "Ed25519")
"""FAPI 2.0 Security Profile §5.4.1."""

PROFILES: Mapping[str, Mapping[str, object]] = {
    # OAuth 2.1: PKCE for everyone, rotated refresh tokens
    "oauth21": {
        "require_pkce": True,
        "refresh_token_rotation": True,
        "assertion_audience": "issuer",
        "signing_algs": ALL_SIGNING_ALGS,
    },
    # OpenID Connect Core 1.0: a confidential client may leave PKCE out
    "oidc": {
        "require_pkce": False,
        "refresh_token_rotation": True,
        "assertion_audience": "any",
        "signing_algs": ALL_SIGNING_ALGS,
    },
    # FAPI 2.0 Security Profile: pushed requests, sender-constrained tokens, which need no rotation (§5.3.2.1)
    "fapi2": {
        "require_pkce": True,
        "require_pushed_authorization_requests": True,
        "sender_constrained_access_tokens": True,
        "refresh_token_rotation": False,
        "assertion_audience": "issuer",
        "signing_algs": FAPI2_SIGNING_ALGS,
    },
}

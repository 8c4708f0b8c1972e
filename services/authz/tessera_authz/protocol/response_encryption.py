"""Encrypted ID tokens and userinfo in client metadata (OpenID Connect Registration §2): algorithms, and a key."""

from collections.abc import Mapping
from typing import Any

from tessera_authz.protocol.registration_policy import refusal
from tessera_shared.jose.encryption import CONTENT_ENCRYPTION, DEFAULT_ENC, DIRECT, KEY_MANAGEMENT, choose
from tessera_shared.jose.public_key import read_jwks

ENCRYPTED = ("id_token", "userinfo")
ALGS = {f"{name}_encrypted_response_alg": tuple(KEY_MANAGEMENT) for name in ENCRYPTED}
ENCS = {f"{name}_encrypted_response_enc": tuple(CONTENT_ENCRYPTION) for name in ENCRYPTED}

_READABLE_SECRET_METHOD = "client_secret_jwt"


def fill_in(members: dict[str, Any]) -> None:
    """The default `enc` where only an `alg` is registered."""
    for alg, enc in zip(ALGS, ENCS, strict=True):
        if alg in members:
            members.setdefault(enc, DEFAULT_ENC)


def check_encryption(members: Mapping[str, Any]) -> None:
    """Refuse what could not be encrypted when the time comes.

    Raises:
        OAuthError: invalid_client_metadata.

    """
    for alg, enc in zip(ALGS, ENCS, strict=True):
        if alg in members:
            _check_key(alg, members)
        elif enc in members:  # OpenID Connect Registration §2
            raise refusal(enc, "needs the algorithm beside it", alg)


def _check_key(member: str, members: Mapping[str, Any]) -> None:
    alg = members[member]
    if alg not in KEY_MANAGEMENT:
        raise refusal(member, "is not supported", ", ".join(KEY_MANAGEMENT))
    if alg == DIRECT:  # the server must be able to read the secret
        if members.get("token_endpoint_auth_method") != _READABLE_SECRET_METHOD:
            raise refusal(member, "may be dir only with client_secret_jwt", _READABLE_SECRET_METHOD)
        return
    if not {"jwks", "jwks_uri"} & members.keys():
        raise refusal(member, "needs jwks or jwks_uri", "a key to encrypt with")
    if "jwks" in members and choose(read_jwks(members["jwks"], "enc"), alg) is None:
        raise refusal(member, "finds no key for it in jwks", f"a key for {alg}, of use enc")

"""DPoP (RFC 9449) as a client speaks it: proofs, and requests that carry them."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import httpx
from joserfc.jwk import ECKey, RSAKey

from e2e.assertions import Key, sign
from e2e.relying_party import RelyingParty, base64url


class DpopKey:
    """A key and the proofs that are made with it."""

    def __init__(self, key: Key | None = None, alg: str = "ES256") -> None:
        self.key = key or ECKey.generate_key("P-256")
        self.alg = alg

    @classmethod
    def rsa(cls, alg: str) -> "DpopKey":
        """One for an RSA algorithm."""
        return cls(RSAKey.generate_key(2048), alg)

    @property
    def jkt(self) -> str:
        """Its thumbprint (RFC 7638)."""
        return str(self.key.thumbprint())

    def proof(
        self,
        url: str,
        method: str = "POST",
        *,
        token: str | None = None,
        header: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """A proof that is right, but for the changes of header and claims; None leaves a member out."""
        ath = None if token is None else base64url(hashlib.sha256(token.encode()).digest())
        claims = {"jti": uuid4().hex, "htm": method, "htu": url, "iat": int(time.time()), "ath": ath, **changes}
        members = {"typ": "dpop+jwt", "jwk": self.key.as_dict(private=False), "kid": None, **(header or {})}
        return sign(claims, self.key, self.alg, **members)


def post(party: RelyingParty, path: str, *proofs: str, base: str | None = None, **form: str | None) -> httpx.Response:
    """A form to authz, authenticated, with proofs."""
    parameters = {**party.form_credentials(), **form}
    data = {name: value for name, value in parameters.items() if value is not None}
    headers = [*party.header_credentials().items(), *(("dpop", proof) for proof in proofs)]
    return party.http.post((base or party.stack.authz) + path, data=data, headers=headers)


def token(
    party: RelyingParty, key: DpopKey, grant_type: str = "client_credentials", **form: str | None
) -> httpx.Response:
    """A token request with a proof of this key."""
    path = "/oauth2/v1/token"
    return post(party, path, key.proof(party.stack.authz + path), grant_type=grant_type, **form)


def redeem(party: RelyingParty, key: DpopKey, code: str, **changes: str | None) -> httpx.Response:
    """Redeem a code with a proof of this key."""
    form = {"code": code, "redirect_uri": party.client.redirect_uri, "code_verifier": party.pkce.verifier, **changes}
    return token(party, key, "authorization_code", **form)


def call(
    party: RelyingParty,
    url: str,
    access_token: str,
    proofs: Sequence[str],
    *,
    scheme: str = "DPoP",
    method: str = "GET",
) -> httpx.Response:
    """Call a protected resource with a token and proofs."""
    headers = [("authorization", f"{scheme} {access_token}"), *(("dpop", proof) for proof in proofs)]
    return party.http.request(method, url, headers=headers)


def call_with(party: RelyingParty, url: str, access_token: str, key: DpopKey, method: str = "GET") -> httpx.Response:
    """The same with the one proof that is right."""
    return call(party, url, access_token, [key.proof(url, method, token=access_token)], method=method)

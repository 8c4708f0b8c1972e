"""A client application: makes authorization requests, redeems codes, uses tokens, verifies what it gets."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from e2e import assertions
from e2e.browser import Answer, Browser
from e2e.clients import PASSWORD, USERNAME, Client
from e2e.stack import Stack


@dataclass(frozen=True, slots=True)
class Pkce:
    """A verifier and its challenge (RFC 7636 §4.1, §4.2)."""

    verifier: str
    challenge: str

    @classmethod
    def new(cls) -> "Pkce":
        """A random one."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        return cls(verifier, base64url(digest))


class RelyingParty:
    """One client, with the PKCE verifier and the state of its authorization requests."""

    def __init__(self, stack: Stack, http: httpx.Client, client: Client) -> None:
        self.stack = stack
        self.http = http
        self.client = client
        self.pkce = Pkce.new()
        self.state = secrets.token_urlsafe(16)

    def authorization_request(self, **changes: str | None) -> dict[str, str]:
        """The parameters of a request that is right; None leaves a parameter out."""
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "scope": self.client.scope.replace(" offline_access", ""),
            "state": self.state,
            "code_challenge": self.pkce.challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def authorization_url(self, **changes: str | None) -> str:
        """The same as an address to open."""
        return f"{self.stack.authz}/oauth2/v1/authorize?{urlencode(self.authorization_request(**changes))}"

    def get_answer(self, browser: Browser, **changes: str | None) -> Answer:
        """Send alice through the authorization request."""
        return browser.authorize(self.authorization_url(**changes), USERNAME, PASSWORD)

    def get_code(self, browser: Browser, **changes: str | None) -> str:
        """The code that comes of it."""
        answer = self.get_answer(browser, **changes)
        assert "code" in answer, answer
        return answer["code"]

    def get_tokens(self, browser: Browser, **changes: str | None) -> dict[str, Any]:
        """The token answer that comes of it."""
        response = self.redeem(self.get_code(browser, **changes))
        assert response.status_code == httpx.codes.OK, response.text
        return dict(response.json())

    def redeem(self, code: str, **changes: str | None) -> httpx.Response:
        """Redeem a code."""
        form = {"code": code, "redirect_uri": self.client.redirect_uri, "code_verifier": self.pkce.verifier}
        return self.token("authorization_code", **{**form, **changes})

    def refresh(self, refresh_token: str, **changes: str | None) -> httpx.Response:
        """Use a refresh token."""
        return self.token("refresh_token", refresh_token=refresh_token, **changes)

    def token(self, grant_type: str | None, **form: str | None) -> httpx.Response:
        """A token request."""
        return self.post("/oauth2/v1/token", grant_type=grant_type, **form)

    def introspect(self, token: str) -> httpx.Response:
        """Ask about a token."""
        return self.post("/oauth2/v1/introspect", token=token)

    def is_active(self, token: str) -> bool:
        """Whether introspection calls the token active; inactive ones get exactly `{"active": false}`."""
        response = self.introspect(token)
        assert response.status_code == httpx.codes.OK, response.text
        answer = response.json()
        assert answer["active"] is True or answer == {"active": False}
        return bool(answer["active"])

    def revoke(self, token: str, **changes: str | None) -> httpx.Response:
        """Revoke a token."""
        return self.post("/oauth2/v1/revoke", token=token, **changes)

    def post(self, path: str, *, base: str | None = None, **form: str | None) -> httpx.Response:
        """A form to authz, authenticated as the client registered; None leaves a parameter out."""
        parameters = {**self.form_credentials(), **form}
        data = {name: value for name, value in parameters.items() if value is not None}
        return self.http.post((base or self.stack.authz) + path, data=data, headers=self.header_credentials())

    def form_credentials(self) -> dict[str, str | None]:
        """What goes into the form (RFC 6749 §2.3.1)."""
        match self.client.method:
            case "client_secret_post":
                return {"client_id": self.client.client_id, "client_secret": self.client.secret}
            case "none":
                return {"client_id": self.client.client_id}
            case "private_key_jwt" | "client_secret_jwt":
                return assertions.form_of(self.client, self.stack.issuer)
            case _:
                return {}

    def header_credentials(self) -> dict[str, str]:
        """What goes into the header."""
        if self.client.method != "client_secret_basic" or self.client.secret is None:
            return {}
        return basic(self.client.client_id, self.client.secret)

    def resource(self, token: str, path: str = "/resource") -> httpx.Response:
        """Call the resource server."""
        return self.http.get(self.stack.rs + path, headers=bearer(token))

    def userinfo(self, token: str) -> httpx.Response:
        """Ask the identity provider about the user."""
        return self.http.get(f"{self.stack.idp}/oidc/v1/userinfo", headers=bearer(token))

    def verify(self, token: str, algorithm: str, *, base: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims of a JWT whose signature the published keys verify."""
        keys = KeySet.import_key_set(self.http.get(f"{base or self.stack.authz}/oauth2/v1/jwks").json())
        verified = jwt.decode(token, keys, algorithms=[algorithm])
        return dict(verified.header), dict(verified.claims)


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Basic credentials, each part form-encoded first (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    """A token in the header (RFC 6750 §2.1)."""
    return {"authorization": f"Bearer {token}"}


def base64url(content: bytes) -> str:
    """Without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unverified(token: str) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a JWS, its signature not looked at."""
    parsed = jws.extract_compact(token.encode())
    return dict(parsed.headers()), parsed.payload


def error_of(response: httpx.Response) -> str:
    """The error code of an error answer (RFC 6749 §5.2), whose form is checked here for every test."""
    body = response.json()
    assert response.headers["content-type"].startswith("application/json")
    assert response.headers["cache-control"] == "no-store"
    assert set(body) <= {"error", "error_description", "error_uri"}
    assert all(" " <= character <= "~" and character not in '"\\' for character in body["error_description"])
    return str(body["error"])

"""The authorization request (OAuth 2.1 §4.1.1, OpenID Connect Core §3.1.2.1): read once into a checked value."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tessera_authz.protocol import authentication_level as levels
from tessera_authz.protocol import claims_request, openid_parameters, pkce, redirect_uri
from tessera_authz.protocol import resource as resources
from tessera_authz.protocol.claims_request import NOTHING, ClaimsRequest
from tessera_authz.protocol.client import Client
from tessera_authz.protocol.requested_scope import parse_scope
from tessera_shared.errors import OAuthError
from tessera_shared.scope import Scope
from tessera_shared.translatable import N_

RESPONSE_TYPES = ("code",)
_MAX_LENGTHS = {
    **dict.fromkeys(("state", "nonce"), 2048),
    **dict.fromkeys(("login_hint", "ui_locales", "claims_locales", "acr_values"), 512),
}
"""In characters: what is stored, or travels on in addresses and tokens."""
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request by name, and every value of `resource`."""

    values: Mapping[str, str]
    resources: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        """A parameter's value, or None where it was left out."""
        return self.values.get(name)


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """Where and how an answer goes: known before the rest of the request is looked at, so that errors can go there."""

    redirect_uri: str
    response_mode: str
    state: str | None


@dataclass(frozen=True, slots=True)
class Supported:
    """What the server serves, for the checks.

    Attributes:
        resources: Those it issues tokens for.
        acr_of_scope: The scope tokens that need a level of login.

    """

    response_modes: Collection[str]
    resources: Collection[str]
    acr_of_scope: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A checked authorization request.

    Attributes:
        authenticated_after: The login must not be older, in seconds since the epoch (`max_age`, `prompt=login`).
        expected_sub: Who must be logged in (`id_token_hint`, or the claim sub).
        acr_values: The authentication context classes that the client asks for.
        acr: The one that the login should reach; where it is essential, it must.
        claims: The user's claims that are asked for one by one, as far as this client may.

    """

    client_id: str
    redirect_uri: str
    response_mode: str
    state: str | None
    scope: Scope
    code_challenge: str | None
    nonce: str | None
    prompt: tuple[str, ...]
    authenticated_after: int | None
    login_hint: str | None
    ui_locales: str | None
    resource: tuple[str, ...] = ()
    dpop_jkt: str | None = None
    expected_sub: str | None = None
    acr_values: tuple[str, ...] = ()
    acr: str | None = None
    acr_essential: bool = False
    claims: ClaimsRequest = NOTHING

    @property
    def is_silent(self) -> bool:
        """Whether no page may be shown."""
        return "none" in self.prompt

    @property
    def selects_account(self) -> bool:
        """Whether the user must be asked which account it is."""
        return "select_account" in self.prompt

    @property
    def consent_scope(self) -> Scope:
        """What the user is asked to allow: the scope, and what describes the claims beside it."""
        return tuple(dict.fromkeys((*self.scope, *claims_request.scope_of(self.claims))))

    @property
    def reply_address(self) -> ReplyAddress:
        """Where its answers go."""
        return ReplyAddress(self.redirect_uri, self.response_mode, self.state)

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> "AuthorizationRequest":
        """Read what `dataclasses.asdict` and JSON made of it."""
        lists = {name: tuple(stored.get(name, ())) for name in ("scope", "prompt", "resource", "acr_values")}
        return cls(**{**stored, **lists, "claims": ClaimsRequest.from_stored(stored.get("claims"))})


@dataclass(frozen=True, slots=True)
class Checked:
    """A request that may be put to the user, and the hash of its request_uri where it was pushed."""

    request: AuthorizationRequest
    pushed_hash: bytes | None = None


def reply_address(parameters: Parameters, client: Client, response_modes: Collection[str]) -> ReplyAddress:
    """Find where answers to this request go.

    Raises:
        OAuthError: invalid_request, for the user alone: nothing may be redirected (RFC 6749 §4.1.2.1).

    """
    requested = parameters.get("redirect_uri")
    if requested is None or not redirect_uri.is_registered(requested, client.redirect_uris):
        missing, unknown = N_("The redirect_uri is missing."), N_("The redirect_uri is not registered.")
        raise OAuthError(
            "invalid_request",
            missing if requested is None else unknown,
            section="OAuth 2.1 §2.3.1",
            expected="one of the client's redirect_uris, character by character",
            received="nothing" if requested is None else "another URI",
        )
    mode = parameters.get("response_mode") or "query"
    return ReplyAddress(requested, mode if mode in response_modes else "query", parameters.get("state"))


def parse(
    parameters: Parameters, client: Client, reply: ReplyAddress, supported: Supported, now: int
) -> AuthorizationRequest:
    """Check every parameter that is not part of the reply address; unknown ones are ignored (RFC 6749 §3.1).

    Args:
        parameters: Those of the request, or of its request object.
        client: Who asks.
        reply: Where its answers go.
        supported: What the server serves.
        now: Seconds since the epoch.

    Raises:
        OAuthError: To be sent to the reply address.

    """
    _check_response(parameters, client, supported.response_modes)
    _refuse_unsupported(parameters)
    for name, most in _MAX_LENGTHS.items():
        if len(parameters.get(name) or "") > most:
            raise _invalid(f"The {name} is too long.", "RFC 6749 §4.1.1", f"at most {most} characters")
    challenge = parameters.get("code_challenge")
    if challenge is not None or client.needs_pkce:
        pkce.check_challenge(challenge, parameters.get("code_challenge_method"))
    prompt = openid_parameters.parse_prompt(parameters.get("prompt"))
    openid_parameters.check_display(parameters.get("display"))
    request = AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=reply.redirect_uri,
        response_mode=reply.response_mode,
        state=reply.state,
        scope=parse_scope(parameters.get("scope"), client, prompt),
        code_challenge=challenge,
        nonce=parameters.get("nonce"),
        prompt=prompt,
        authenticated_after=openid_parameters.authenticated_after(
            prompt, parameters.get("max_age"), client.default_max_age, now
        ),
        login_hint=parameters.get("login_hint"),
        ui_locales=openid_parameters.parse_locales(parameters.get("ui_locales")),
        resource=resources.check(parameters.resources, supported.resources),
        dpop_jkt=_parse_jkt(parameters.get("dpop_jkt")),
    )
    return _with_level_and_claims(request, parameters, client, supported)


def bind_to_key(request: AuthorizationRequest, jkt: str | None) -> AuthorizationRequest:
    """The request whose code can be redeemed with one key only: that of the proof at its push (RFC 9449 §10.1).

    Args:
        request: A checked request.
        jkt: The thumbprint of the proof's key; none: without a proof, `dpop_jkt` alone counts.

    Raises:
        OAuthError: `dpop_jkt` names another key.

    """
    if jkt is None:
        return request
    if request.dpop_jkt not in (None, jkt):
        raise OAuthError(
            "invalid_dpop_proof",
            "The DPoP proof is not by the key of dpop_jkt.",
            section="RFC 9449 §10.1",
            expected="a proof by the key of dpop_jkt",
            received="another key",
        )
    return replace(request, dpop_jkt=jkt)


def _check_response(parameters: Parameters, client: Client, response_modes: Collection[str]) -> None:
    response_type = parameters.get("response_type")
    if response_type is None:
        raise _invalid("The parameter response_type is missing.", "RFC 6749 §4.1.1", "response_type")
    if response_type not in RESPONSE_TYPES:
        raise OAuthError(
            "unsupported_response_type",
            "The response_type must be code.",
            section="RFC 6749 §4.1.2.1",
            expected=", ".join(RESPONSE_TYPES),
            received=response_type[:40],
        )
    if "authorization_code" not in client.grant_types or response_type not in client.response_types:
        raise OAuthError(
            "unauthorized_client",
            "The client did not register for this response_type.",
            section="RFC 6749 §4.1.2.1",
            expected=", ".join(client.response_types),
            received=response_type,
        )
    mode = parameters.get("response_mode") or "query"
    if mode not in response_modes:
        raise _invalid("The response_mode is not supported.", "OAuth 2.0 Multiple Response Types §2.1", mode[:40])


def _refuse_unsupported(parameters: Parameters) -> None:
    """OpenID Connect Core §3.1.2.6: what is not served is refused, never ignored."""
    for name in ("request_uri", "registration"):
        if parameters.get(name) is not None:
            raise OAuthError(
                f"{name}_not_supported", f"The parameter {name} is not supported.", section="OIDC Core §3.1.2.6"
            )


def _parse_jkt(value: str | None) -> str | None:
    """RFC 9449 §10: the code is bound to the key of this thumbprint."""
    if value is not None and not _THUMBPRINT.fullmatch(value):
        raise _invalid("The dpop_jkt is not a SHA-256 thumbprint.", "RFC 9449 §10", "43 base64url characters")
    return value


def _with_level_and_claims(
    request: AuthorizationRequest, parameters: Parameters, client: Client, supported: Supported
) -> AuthorizationRequest:
    """OIDC Core §5.5: claims are asked for with the scope openid; a level of login may be asked for without it."""
    claims = claims_request.parse(parameters.get("claims")) if "openid" in request.scope else NOTHING
    asked = levels.asked(parameters.get("acr_values"), claims.id_token.get("acr"), client.default_acr_values)
    own = () if client.require_acr is None else (client.require_acr,)
    by_scope = (acr for token, acr in supported.acr_of_scope.items() if token in request.scope)
    level = levels.wanted(asked, (*own, *by_scope))
    return replace(
        request,
        expected_sub=claims_request.named_sub(claims),
        acr_values=asked.values,
        acr=level.acr,
        acr_essential=level.essential,
        claims=claims_request.served(claims, client.scope),
    )


def _invalid(description: str, section: str, expected: str) -> OAuthError:
    return OAuthError("invalid_request", description, section=section, expected=expected)

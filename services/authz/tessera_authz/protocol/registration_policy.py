"""What registration allows a client: the bounds that hold at registration and at every later change (RFC 7592 §2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tessera_authz.protocol.profiles import PROFILES
from tessera_shared import scope as scopes
from tessera_shared.claims import reaches
from tessera_shared.errors import OAuthError
from tessera_shared.scope import Scope

STRICTNESS = ("oidc", "oauth21", "fapi2")
"""The profiles, the least strict first."""

STRICT_WHEN_TRUE = (
    "require_pkce",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "sender_constrained_access_tokens",
    "refresh_token_rotation",
)
"""The settings that protect when they are on: a client may set them, but not take away what its profile sets."""

_FAPI2_METHODS = ("private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth")
_KEPT_BY_PUBLIC_CLIENTS = ("require_pkce", "refresh_token_rotation")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a client may go.

    Attributes:
        scope: The scope it may register for.
        grant_types: The grant types it may register for.
        profile: Its profile is this one or a stricter one.
        confidential: It registered with credentials, and cannot give them up.
        require_acr: The level of login that an administrator gave it, and that it cannot lower.

    """

    scope: Scope
    grant_types: tuple[str, ...]
    profile: str
    confidential: bool = False
    require_acr: str | None = None

    def to_stored(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "scope": scopes.format_scope(self.scope),
            "grant_types": list(self.grant_types),
            "profile": self.profile,
            "confidential": self.confidential,
            "require_acr": self.require_acr,
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> "Bounds":
        """Read what `to_stored` wrote."""
        return cls(
            scopes.parse(stored["scope"]),
            tuple(stored["grant_types"]),
            stored["profile"],
            stored["confidential"],
            stored.get("require_acr"),
        )


def check_bounds(metadata: Mapping[str, Any], bounds: Bounds) -> None:
    """Refuse metadata that goes beyond the bounds, its defaults filled in already.

    Raises:
        OAuthError: invalid_client_metadata.

    """
    beyond = [name for name in metadata["grant_types"] if name not in bounds.grant_types]
    if beyond:
        raise refusal("grant_types", "names a grant type that this client may not use", ", ".join(bounds.grant_types))
    if not scopes.is_within(scopes.parse(metadata["scope"]), bounds.scope):
        allowed = scopes.format_scope(bounds.scope)
        raise refusal("scope", "names a scope that is not known, or that this client may not have", allowed)
    if bounds.confidential and metadata["token_endpoint_auth_method"] == "none":
        raise refusal("token_endpoint_auth_method", "must not become none", "a method with credentials")
    if STRICTNESS.index(metadata["profile"]) < STRICTNESS.index(bounds.profile):
        raise refusal("profile", "must not be less strict than the one of registration", bounds.profile)
    if not reaches(metadata.get("require_acr", ""), bounds.require_acr):
        raise refusal("require_acr", "must not be lowered", str(bounds.require_acr))
    _check_settings(metadata)


def _check_settings(metadata: Mapping[str, Any]) -> None:
    profile, public = PROFILES[metadata["profile"]], metadata["token_endpoint_auth_method"] == "none"
    for name in STRICT_WHEN_TRUE:
        protected = profile.get(name, False) or (public and name in _KEPT_BY_PUBLIC_CLIENTS)
        if metadata.get(name) is False and protected:
            raise refusal(name, "must not be switched off", "true")
    if metadata.get("assertion_audience", "issuer") != "issuer" and profile["assertion_audience"] == "issuer":
        raise refusal("assertion_audience", "must be issuer", "issuer")
    signing_algs = profile["signing_algs"]
    if not isinstance(signing_algs, tuple) or not set(metadata.get("signing_algs", ())) <= set(signing_algs):
        raise refusal("signing_algs", "names an algorithm that the profile does not allow", str(signing_algs))
    if metadata["profile"] == "fapi2" and metadata["token_endpoint_auth_method"] not in _FAPI2_METHODS:
        # FAPI 2.0 Security Profile §5.3.2.1
        raise refusal("token_endpoint_auth_method", "is not one of the profile fapi2", ", ".join(_FAPI2_METHODS))


def refusal(member: str, problem: str, expected: str) -> OAuthError:
    """RFC 7591 §3.2.2: what is wrong with which member."""
    error = "invalid_redirect_uri" if member == "redirect_uris" else "invalid_client_metadata"
    return OAuthError(error, f"The member {member} {problem}.", section="RFC 7591 §3.2.2", expected=expected)

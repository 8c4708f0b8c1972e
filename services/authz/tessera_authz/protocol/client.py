"""A registered client (RFC 7591 §2, OpenID Connect Registration §2) with the settings that Tessera keeps for it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, NewType

from tessera_authz.protocol.profiles import ALL_SIGNING_ALGS, PROFILES
from tessera_shared import scope as scopes
from tessera_shared.jose.encryption import DEFAULT_ENC
from tessera_shared.pairwise import SUBJECT_TYPES, sector_of
from tessera_shared.scope import Scope

DEFAULT_PROFILE = "oauth21"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What a client registered, under the names of the specifications; the rest are Tessera's settings.

    Attributes:
        default_max_age: In seconds, for requests without max_age; `default_acr_values` likewise.
        require_acr: The level of login that every request of this client needs at least.
        sender_constrained_access_tokens: Either binding will do (FAPI 2.0), where the two named ones ask for theirs.
        refresh_token_rotation: Off only for confidential clients.
        assertion_audience: `issuer`: an assertion's aud is the issuer as one string; `any`: the token endpoint or the
            endpoint it is sent to count as well.
        signing_algs: The algorithms that the client may sign assertions, request objects and proofs with.

    """

    client_id: str
    client_name: str
    redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    scope: Scope = ()
    application_type: str = "web"
    token_endpoint_auth_method: str = "client_secret_basic"
    token_endpoint_auth_signing_alg: str | None = None
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str | None = None
    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None
    request_object_signing_alg: str | None = None
    authorization_signed_response_alg: str | None = None
    id_token_signed_response_alg: str | None = None
    id_token_encrypted_response_alg: str | None = None
    id_token_encrypted_response_enc: str = DEFAULT_ENC
    subject_type: str = SUBJECT_TYPES[0]
    sector_identifier_uri: str | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    post_logout_redirect_uris: tuple[str, ...] = ()
    default_max_age: int | None = None
    default_acr_values: tuple[str, ...] = ()
    require_acr: str | None = None
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool = False
    profile: str = DEFAULT_PROFILE
    require_pkce: bool = True
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    sender_constrained_access_tokens: bool = False
    refresh_token_rotation: bool = True
    assertion_audience: Literal["issuer", "any"] = "issuer"
    signing_algs: tuple[str, ...] = ALL_SIGNING_ALGS
    expires_at: datetime | None = None

    @property
    def is_public(self) -> bool:
        """Whether it cannot keep a secret (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == "none"

    @property
    def needs_pkce(self) -> bool:
        """Public clients always do, whatever their profile."""
        return self.is_public or self.require_pkce

    @property
    def rotates_refresh_tokens(self) -> bool:
        """Public clients always do (RFC 9700 §2.2.2), whatever their profile."""
        return self.is_public or self.refresh_token_rotation

    @property
    def sector(self) -> str | None:
        """The sector that its users are named for; None where they have their public identifiers (OIDC Core §8).

        Raises:
            NoSector: It was registered without one, which registration does not take.

        """
        return sector_of(self.subject_type, self.sector_identifier_uri, self.redirect_uris)

    @classmethod
    def from_metadata(cls, client_id: str, metadata: Mapping[str, Any]) -> "Client":
        """Read stored metadata over the defaults of its profile; members that are not known here are left alone."""
        profile = str(metadata.get("profile", DEFAULT_PROFILE))
        merged = {**PROFILES.get(profile, {}), **metadata}
        names = {field.name for field in fields(cls)} - {"client_id", "scope", "client_name", "expires_at"}
        known = {name: _frozen(value) for name, value in merged.items() if name in names}
        return cls(
            client_id=client_id,
            client_name=str(metadata.get("client_name", client_id)),
            scope=scopes.parse(metadata.get("scope", "")),
            **known,
        )


AuthenticatedClient = NewType("AuthenticatedClient", Client)
"""A client that proved who it is at this request, or a public one that has nothing to prove with."""


def _frozen(value: Any) -> Any:  # noqa: ANN401 - JSON
    return tuple(value) if isinstance(value, list) else value

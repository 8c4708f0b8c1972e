"""The authorization server's configuration; `configs/authz.yml` explains every key."""

import math
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from tessera_authz.limits import LimitsConfig
from tessera_shared.access_token import MOST_SECONDS
from tessera_shared.branding import Branding
from tessera_shared.claims import ACR_VALUES
from tessera_shared.config import Dpop, Fetch, Section, ServiceConfig, Tls
from tessera_shared.handoff import ASK_LIFETIME
from tessera_shared.jose.algorithms import ASYMMETRIC_SIGNING


class Keys(Section):
    """The key ring: what opens it, which algorithms it serves, how long its keys live."""

    master_key_file: Path
    further_master_key_files: tuple[Path, ...] = ()
    """Also open what is sealed: earlier ones until all is sealed anew, or one that is to come."""
    access_token_alg: str = "ES256"
    id_token_alg: str = "RS256"
    further_algs: tuple[str, ...] = ("PS256", "EdDSA")
    period_days: float = Field(default=90, gt=0)
    announce_hours: float = Field(default=24, gt=0)
    overlap_hours: float = Field(default=48, gt=0)

    @field_validator("access_token_alg", "id_token_alg", "further_algs")
    @classmethod
    def _are_asymmetric(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        given = (value,) if isinstance(value, str) else value
        if not set(given) <= set(ASYMMETRIC_SIGNING):
            raise ValueError(f"must be of {', '.join(ASYMMETRIC_SIGNING)}")
        return value

    @property
    def signing_algs(self) -> tuple[str, ...]:
        """Every algorithm that the ring has a signing key for, the default of ID tokens first."""
        return tuple(dict.fromkeys((self.id_token_alg, self.access_token_alg, *self.further_algs)))


class Lifetimes(Section):
    """How long things last."""

    code_seconds: int = Field(default=60, ge=1, le=600)
    access_token_seconds: int = Field(default=600, ge=1, le=MOST_SECONDS)
    id_token_seconds: int = Field(default=600, ge=1, le=86_400)
    refresh_token_days: float = Field(default=30, gt=0)
    grant_days: float = Field(default=365, gt=0)
    refresh_grace_seconds: int = Field(default=10, ge=0, le=60)
    pushed_request_seconds: int = Field(default=60, ge=5, le=600)
    authorization_request_minutes: int = Field(default=60, ge=1, le=1440)

    @property
    def revocation(self) -> timedelta:
        """How long a revocation matters: until every access token that it concerns has expired everywhere."""
        return timedelta(seconds=self.access_token_seconds + 120)


class BootstrapClient(Section):
    """A client that is made at the first start, and left alone later."""

    client_id: str
    client_secret: str | None = None
    metadata: dict[str, Any]


class BootstrapScope(Section):
    """A scope that is made at the first start, and left alone later."""

    name: str
    title: str
    detail: str = ""
    default: bool = False
    open: bool = False
    acr: str | None = None

    @field_validator("acr")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is not None and value not in ACR_VALUES:
            raise ValueError(f"must be one of {', '.join(ACR_VALUES)}")
        return value


class Registration(Section):
    """Dynamic client registration (RFC 7591): who may, what, and how often."""

    mode: Literal["open", "initial_access_token", "off"] = "initial_access_token"
    profile: Literal["oidc", "oauth21", "fapi2"] = "oauth21"
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token", "client_credentials")
    per_source_per_hour: int = Field(default=20, ge=1)
    per_hour: int = Field(default=1000, ge=1)
    unused_days: float = Field(default=30, gt=0)
    max_metadata_bytes: int = Field(default=16_384, ge=1024, le=65_536)
    metadata_documents: bool = False


class AllowedNetworks(Section):
    """Networks (CIDR) that endpoints are served to; none: all networks."""

    registration: tuple[str, ...] = ()
    """Registering and managing clients, and rotating their secrets."""
    introspection: tuple[str, ...] = ()

    @field_validator("registration", "introspection")
    @classmethod
    def _are_networks(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            ip_network(value)
        return values


class Secrets(Section):
    """Generated client secrets and their rotation."""

    lifetime_days: float = Field(default=0, ge=0)
    grace_hours: float = Field(default=24, ge=0, le=24 * 365)
    max_valid: int = Field(default=5, ge=2, le=100)

    @property
    def lifetime(self) -> timedelta | None:
        """How long a generated secret works; None: without an end."""
        return timedelta(days=self.lifetime_days) if self.lifetime_days else None


class BackchannelLogout(Section):
    """How clients are told that a session has ended (OpenID Connect Back-Channel Logout 1.0)."""

    attempts: int = Field(default=6, ge=1, le=12)
    first_retry_seconds: float = Field(default=1, gt=0, le=60)
    parallel: int = Field(default=16, ge=1, le=64)
    record_days: float = Field(default=30, gt=0)


class AuthzConfig(ServiceConfig):
    """All of it."""

    issuer: str
    idp_url: str
    resources: tuple[str, ...] = ()
    """Protected resources that tokens may be issued for by `resource` (RFC 8707), beside the issuer's own audience."""
    tls: Tls | None = None
    client_trust_anchors_file: Path | None = None
    """Authorities whose certificates clients of tls_client_auth may have."""
    keys: Keys
    lifetimes: Lifetimes = Lifetimes()
    dpop: Dpop = Dpop()
    registration: Registration = Registration()
    secrets: Secrets = Secrets()
    limits: LimitsConfig = LimitsConfig()
    allowed_networks: AllowedNetworks = AllowedNetworks()
    bootstrap_scopes: tuple[BootstrapScope, ...] = ()
    fetch: Fetch = Fetch()
    branding: Branding = Branding()
    backchannel_logout: BackchannelLogout = BackchannelLogout()
    bootstrap_clients: tuple[BootstrapClient, ...] = ()
    assertion_minutes: int = Field(default=60, ge=1, le=1440)
    """How far ahead `exp` of a client's assertion may be."""
    clock_tolerance_seconds: int = Field(default=15, ge=0, le=300)
    secret_hash_workers: int = Field(default=2, ge=1, le=16)
    secret_hash_queue: int = Field(default=64, ge=0, le=10_000)

    @model_validator(mode="after")
    def _retired_keys_outlive_what_they_signed(self) -> Self:
        lived = max(self.lifetimes.access_token_seconds, self.lifetimes.id_token_seconds)
        needed = max(timedelta(seconds=lived + self.clock_tolerance_seconds), ASK_LIFETIME)
        if timedelta(hours=self.keys.overlap_hours) < needed:
            least = math.ceil(needed.total_seconds() / 36) / 100
            raise ValueError(f"keys.overlap_hours must be at least {least:g}: as long as tokens and logins last")
        return self

    @field_validator("issuer", "idp_url")
    @classmethod
    def _is_base_url(cls, value: str) -> str:
        # RFC 8414 §2: a URL with no query or fragment; the paths of this server start at its root
        if not value.startswith(("https://", "http://")) or value.endswith("/") or "?" in value or "#" in value:
            raise ValueError("must be an http(s) URL without a path's last slash, query or fragment")
        return value

    @property
    def clock_tolerance(self) -> timedelta:
        """How far other clocks may be off."""
        return timedelta(seconds=self.clock_tolerance_seconds)

    @property
    def sees_client_certificates(self) -> bool:
        """Whether a certificate can reach this service at all: by its own TLS port, or from a proxy."""
        return self.tls is not None or bool(self.client_certificate_proxies)

    @property
    def public_urls(self) -> tuple[str, ...]:
        """Where this server is reached."""
        return (self.issuer,) if self.tls is None else (self.issuer, self.tls.public_url)

    @property
    def cookies_secure(self) -> bool:
        """Whether browsers reach this service by TLS."""
        return self.issuer.startswith("https://")

"""The resource server's configuration; `configs/rs.yml` explains every key."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from tessera_shared.config import Section, ServiceConfig, Tls
from tessera_shared.jose.algorithms import ASYMMETRIC_SIGNING


def _check_url(value: str) -> str:
    parts = urlsplit(value)
    # reading the port raises ValueError for one that is none
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.port == 0 or "#" in value:
        raise ValueError("must be an http(s) URL without fragment")
    return value


def _check_base_url(value: str) -> str:
    # RFC 8414 §2: no query or fragment; audiences and issuers are compared as strings, so one form of it is kept
    if value.endswith("/") or "?" in value:
        raise ValueError("must be an http(s) URL without a path's last slash, query or fragment")
    return _check_url(value)


def _check_algorithm(value: str) -> str:
    if value not in ASYMMETRIC_SIGNING:
        raise ValueError(f"must be one of {', '.join(ASYMMETRIC_SIGNING)}")
    return value


Url = Annotated[str, AfterValidator(_check_url)]
BaseUrl = Annotated[str, AfterValidator(_check_base_url)]
SigningAlgorithm = Annotated[str, AfterValidator(_check_algorithm)]


class Revocation(Section):
    """What to do while revocations cannot be known here."""

    when_unreachable: Literal["refuse", "introspect"] = "refuse"


class Sensitive(Section):
    """What `/resource/sensitive` asks of the login behind a token (RFC 9470)."""

    max_age_seconds: int | None = Field(default=300, ge=0)
    acr_values: tuple[str, ...] = ()


class Dpop(Section):
    """Proofs of possession (RFC 9449), and the secret that nonces are made of, shared by all replicas."""

    nonce_key_file: Path
    require_nonce: bool = False


class Introspection(Section):
    """The issuer's introspection endpoint (RFC 7662), and this resource server's client there."""

    url: Url
    client_id: str
    client_secret_file: Path


class RsConfig(ServiceConfig):
    """All of it."""

    public_url: BaseUrl
    issuer: BaseUrl
    jwks_url: Url
    tls: Tls | None = None
    client_trust_anchors_file: Path | None = None
    access_token_algs: tuple[SigningAlgorithm, ...] = Field(min_length=1)
    revocation: Revocation = Revocation()
    introspection: Introspection | None = None
    sensitive: Sensitive = Sensitive()
    dpop: Dpop
    clock_tolerance_seconds: int = Field(default=15, ge=0, le=300)

    @model_validator(mode="after")
    def _introspection_is_there_where_it_is_needed(self) -> Self:
        if self.revocation.when_unreachable == "introspect" and self.introspection is None:
            raise ValueError("revocation.when_unreachable is introspect, but there is no section introspection")
        return self

    @property
    def audiences(self) -> tuple[str, ...]:
        """What `aud` may name: this resource, or the issuer for tokens without a `resource` (RFC 9068 §3)."""
        return *self.public_urls, self.issuer

    @property
    def public_urls(self) -> tuple[str, ...]:
        """Where this service is reached."""
        return (self.public_url,) if self.tls is None else (self.public_url, self.tls.public_url)

    @property
    def sees_client_certificates(self) -> bool:
        """Whether a certificate can reach this service at all: by its own TLS port, or from a proxy."""
        return self.tls is not None or bool(self.client_certificate_proxies)

    @property
    def tolerance(self) -> timedelta:
        """How far other clocks may be off."""
        return timedelta(seconds=self.clock_tolerance_seconds)

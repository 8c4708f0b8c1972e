"""The identity provider's configuration; `configs/idp.yml` explains every key."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from tessera_idp.protection import ProtectionConfig
from tessera_idp.protocol.logout import Revokes
from tessera_idp.protocol.passkey import RelyingParty
from tessera_shared.branding import Branding
from tessera_shared.config import Dpop, Fetch, Section, ServiceConfig
from tessera_shared.jose.algorithms import ASYMMETRIC_SIGNING
from tessera_shared.uri import origin

PREFIX = "TESSERA_IDP_"


def _url(value: str) -> str:
    if not value.startswith(("https://", "http://")) or "?" in value or "#" in value:
        raise ValueError("must be an http(s) URL without query or fragment")
    return value


def _base_url(value: str) -> str:
    # RFC 8414 §2: an issuer is compared as a string, so it has one spelling
    if _url(value).endswith("/"):
        raise ValueError("must not end with a slash")
    return value


def _signing_algorithm(value: str) -> str:
    if value not in ASYMMETRIC_SIGNING:
        raise ValueError(f"must be one of {', '.join(ASYMMETRIC_SIGNING)}")
    return value


class Keys(Section):
    """The issuer's key ring, which authz makes."""

    master_key_file: Path
    further_master_key_files: tuple[Path, ...] = ()
    """Also open what is sealed: earlier ones until all is sealed anew, or one that is to come."""
    id_token_alg: Annotated[str, AfterValidator(_signing_algorithm)] = "RS256"
    wait_seconds: float = Field(default=60, ge=0, le=3600)


class Passwords(Section):
    """How much of the machine password checks may take, and how long new passwords must be."""

    minimum_length: int = Field(default=15, ge=8, le=64)
    """NIST SP 800-63B-4 §3.1.1.1: 15 where a password alone may log in, 8 where a second factor is always asked for."""

    workers: int = Field(default=2, ge=1, le=64)
    queue: int = Field(default=64, ge=0, le=10_000)


class Sessions(Section):
    """Login sessions."""

    lifetime_hours: float = Field(default=12, gt=0, le=24 * 365)
    device_days: int = Field(default=180, ge=1, le=400)

    @property
    def lifetime(self) -> timedelta:
        """How long after the last login a session ends."""
        return timedelta(hours=self.lifetime_hours)

    @property
    def device_lifetime(self) -> timedelta:
        """How long after the last login in it a browser is known."""
        return timedelta(days=self.device_days)


class Logout(Section):
    """What the end of a session does."""

    revoke_grants: Revokes = "online"


class Accounts(Section):
    """What users may do with accounts by themselves."""

    sign_up: Literal["open", "closed"] = "closed"
    verify_hours: int = Field(default=24, ge=1, le=24 * 14)
    reset_minutes: int = Field(default=30, ge=5, le=24 * 60)
    reset_ends_sessions: bool = True
    undo_days: int = Field(default=7, ge=1, le=90)


class Mail(Section):
    """The mail server (RFC 5321), and whom mails are from."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "starttls"
    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=10, gt=0, le=120)
    from_address: str = Field(pattern=r"^[!-?A-~]+@[A-Za-z0-9.-]+$")
    from_name: str = "Tessera"

    @model_validator(mode="after")
    def _keeps_its_password(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file go together")
        if self.user is not None and self.security == "none":
            raise ValueError("a password needs security: tls or starttls")
        return self


class Account(Section):
    """The users' account pages."""

    fresh_minutes: float = Field(default=5, gt=0, le=24 * 60)

    @property
    def fresh(self) -> timedelta:
        """How old a login may be for a change of how to log in."""
        return timedelta(minutes=self.fresh_minutes)


class Login(Section):
    """Which ways to log in there are."""

    email_codes: bool = True


class Passkeys(Section):
    """For which site passkeys are made."""

    rp_id: str | None = Field(default=None, pattern=r"^[a-z0-9.-]{1,253}$")
    rp_name: str | None = Field(default=None, min_length=1, max_length=64)


class IdpConfig(ServiceConfig):
    """All of it."""

    public_url: Annotated[str, AfterValidator(_base_url)]
    issuer: Annotated[str, AfterValidator(_base_url)]
    metadata_url: Annotated[str, AfterValidator(_url)]
    demo: bool = False
    keys: Keys
    passwords: Passwords = Passwords()
    sessions: Sessions = Sessions()
    logout: Logout = Logout()
    accounts: Accounts = Accounts()
    mail: Mail
    account: Account = Account()
    login: Login = Login()
    passkeys: Passkeys = Passkeys()
    branding: Branding = Branding()
    protection: ProtectionConfig = ProtectionConfig()
    dpop: Dpop = Dpop()
    fetch: Fetch = Fetch()
    clock_tolerance_seconds: int = Field(default=15, ge=0, le=300)

    @model_validator(mode="after")
    def _rp_id_suits(self) -> Self:
        # WebAuthn §5.1.2: an RP ID is the page's host or a parent domain of it
        host = urlsplit(self.public_url).hostname or ""
        if host != self.relying_party.id and not host.endswith(f".{self.relying_party.id}"):
            raise ValueError("passkeys.rp_id must be the host of public_url or a parent domain of it")
        return self

    @property
    def relying_party(self) -> RelyingParty:
        """For whom passkeys are made."""
        rp_id = self.passkeys.rp_id or urlsplit(self.public_url).hostname or ""
        return RelyingParty(rp_id, self.passkeys.rp_name or self.branding.name, origin(self.public_url))

    @property
    def cookies_secure(self) -> bool:
        """Whether browsers reach this service by TLS."""
        return self.public_url.startswith("https://")

"""What the identity provider stores, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tessera_idp.protocol.levels import Used
from tessera_shared.clock import seconds
from tessera_shared.handoff import Authentication
from tessera_shared.jose.encryption import DEFAULT_ENC


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account; `claims` are the standard claims of OpenID Connect Core §5.1, without sub."""

    sub: str
    username: str
    claims: Mapping[str, Any]
    disabled: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A login in one browser; `sid` is told to clients, the cookie is not kept readable; `used` are its methods."""

    sid: str
    sub: str
    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    username: str
    name: str | None
    used: tuple[Used, ...] = ()
    email: str | None = None
    zoneinfo: str | None = None

    def authentication(self) -> Authentication:
        """What is told of this login (OpenID Connect Core §2)."""
        return Authentication(self.sub, self.sid, seconds(self.auth_time), self.acr, self.amr)


@dataclass(frozen=True, slots=True)
class LogoutClient:
    """What RP-initiated logout knows of a client."""

    client_id: str
    name: str
    post_logout_redirect_uris: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UserinfoClient:
    """How a client wants to be told of users (OpenID Connect Registration §2).

    Attributes:
        sector: What its users' identifiers are for; None: it is told their own (OpenID Connect Core §8).
        scope: What it may ask for.
        wishes: The claims that it asked for at userinfo one by one, with the grant of this request (§5.5).
        jwks: Its keys, or jwks_uri where they are, for one that wants to be told encrypted.
        sealed_secret: Its newest secret, for one that wants to be told by `dir`.

    """

    client_id: str
    sector: str | None = None
    scope: tuple[str, ...] = ()
    wishes: Mapping[str, Any] = field(default_factory=dict)
    signed_response_alg: str | None = None
    encrypted_response_alg: str | None = None
    encrypted_response_enc: str = DEFAULT_ENC
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str | None = None
    sealed_secret: bytes | None = field(default=None, repr=False)

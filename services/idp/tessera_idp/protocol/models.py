"""What the identity provider stores, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tessera_idp.protocol.levels import Used
from tessera_shared.clock import seconds
from tessera_shared.handoff import Authentication


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

    def authentication(self) -> Authentication:
        """What is told of this login (OpenID Connect Core §2)."""
        return Authentication(self.sub, self.sid, seconds(self.auth_time), self.acr, self.amr)


@dataclass(frozen=True, slots=True)
class LogoutClient:
    """What RP-initiated logout knows of a client."""

    client_id: str
    name: str
    post_logout_redirect_uris: tuple[str, ...]

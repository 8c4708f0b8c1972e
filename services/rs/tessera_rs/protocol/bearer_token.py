"""What a protected resource asks of an access token (RFC 6750 §3.1), and what it tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tessera_rs.protocol.step_up import StepUp
from tessera_shared.scope import Scope


@dataclass(frozen=True, slots=True)
class ProtectedResource:
    """One resource: where it is, the scope a token needs for it, and what the login behind the token must be."""

    path: str
    summary: str
    scope: Scope = ()
    step_up: StepUp | None = None


def resources(sensitive: StepUp) -> tuple[ProtectedResource, ...]:
    """Every protected resource; `sensitive` is what the one of that name asks of the login."""
    return (
        ProtectedResource("/resource", "For any valid access token"),
        ProtectedResource("/resource/profile", "For access tokens with the scope profile", ("profile",)),
        ProtectedResource("/resource/email", "For access tokens with the scope email", ("email",)),
        ProtectedResource("/resource/sensitive", "For access tokens of a recent login (RFC 9470)", step_up=sensitive),
    )


@dataclass(frozen=True, slots=True)
class Told:
    """The JSON that every resource answers."""

    sub: str
    client_id: str
    scope: str


def is_sufficient(claims: Mapping[str, Any], needed: Scope) -> bool:
    """Whether the token's scope covers the resource (RFC 6750 §3.1), token by whole token (RFC 6749 §3.3)."""
    return set(needed) <= set(scope_of(claims).split(" "))


def tell(claims: Mapping[str, Any]) -> Told:
    """Who the token stands for, which client holds it, and for what."""
    return Told(claims["sub"], claims["client_id"], scope_of(claims))


def scope_of(claims: Mapping[str, Any]) -> str:
    """The `scope` claim (RFC 9068 §2.2.3); a token without one, or with another type, allows nothing."""
    scope = claims.get("scope")
    return scope if isinstance(scope, str) else ""

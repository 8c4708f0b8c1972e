"""Access tokens: the claims of JWTs by RFC 9068. Issuing one writes nothing."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tessera_authz.tokens.authorization import Authorization
from tessera_shared.clock import seconds
from tessera_shared.scope import format_scope

_JTI_BYTES = 16
"""128 random bits (RFC 7519 §4.1.7: a negligible chance of a second token with the same)."""


def claims(authorization: Authorization, issuer: str, lifetime: timedelta, now: datetime) -> Mapping[str, Any]:
    """RFC 9068 §2.2; `grant_id` is Tessera's, by which the token is revoked with its grant."""
    told: dict[str, Any] = {
        "iss": issuer,
        "sub": authorization.sub,
        "aud": _audience(authorization.resource, issuer),
        "client_id": authorization.client.client_id,
        "iat": seconds(now),
        "exp": seconds(now + lifetime),
        "jti": secrets.token_urlsafe(_JTI_BYTES),
        "scope": format_scope(authorization.scope),
    }
    if confirmation := authorization.confirmation.claim():  # RFC 7800 §3.1
        told["cnf"] = confirmation
    if authorization.grant is not None:
        grant = authorization.grant
        told |= {"grant_id": grant.id, "auth_time": seconds(grant.auth_time), "acr": grant.acr}
    return told


def _audience(resource: tuple[str, ...], issuer: str) -> str | list[str]:
    """One audience as a string, several as a list (RFC 7519 §4.1.3); without a resource the issuer (RFC 9068 §3)."""
    if not resource:
        return issuer
    return resource[0] if len(resource) == 1 else list(resource)

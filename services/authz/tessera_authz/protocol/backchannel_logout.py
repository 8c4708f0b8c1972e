"""The rules of OpenID Connect Back-Channel Logout 1.0: what a logout token says, and what an answer to it means."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from tessera_shared.clock import seconds

Outcome = Literal["delivered", "refused", "failed"]

TYP = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = timedelta(minutes=2)
"""§2.4 recommends two minutes at most."""

_TAKEN = (200, 204)
_REFUSED = 400
_FACTOR = 5


def claims(issuer: str, client_id: str, user: tuple[str, str], jti: str, now: datetime) -> Mapping[str, Any]:
    """The claims of a logout token (§2.4); never a nonce, so that it is no ID token.

    Args:
        issuer: This issuer.
        client_id: Whom it is for.
        user: The subject identifier that the client knows, and the session's sid.
        jti: Unique, 128 random bits.
        now: The current time.

    """
    sub, sid = user
    return {
        "iss": issuer,
        "aud": client_id,
        "iat": seconds(now),
        "exp": seconds(now + LIFETIME),
        "jti": jti,
        "sub": sub,
        "sid": sid,
        "events": {EVENT: {}},
    }


def outcome(status: int) -> Outcome | None:
    """What the client's answer means (§2.8): taken, refused for good, or, None, to be tried again."""
    if status in _TAKEN:
        return "delivered"
    return "refused" if status == _REFUSED else None


def next_attempt(made: int, most: int, first_wait: timedelta, now: datetime) -> datetime | None:
    """When to try again after so many attempts, each wait five times the one before; None once it was enough."""
    return None if made >= most else now + first_wait * _FACTOR ** (made - 1)

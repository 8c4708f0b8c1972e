"""The decisions of RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0, Front-Channel Logout 1.0)."""

from dataclasses import dataclass
from typing import Literal

from tessera_idp.protocol.models import LogoutClient, Session
from tessera_shared.uri import with_parameters

Revokes = Literal["online", "all", "none"]
"""Which grants of a session end with it: those without offline_access (Back-Channel Logout §2.7), all, or none."""


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """The parameters of §2."""

    id_token_hint: str | None
    client_id: str | None
    post_logout_redirect_uri: str | None
    state: str | None
    logout_hint: str | None = None
    ui_locales: str | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """What a valid ID token says: whom it was told to, of whom, in which session."""

    client: LogoutClient
    sub: str
    sid: str | None
    told_sub: str | None = None
    """The subject identifier as the client knows it."""


def needs_confirmation(session: Session, hint: Hint | None, logout_hint: str | None = None) -> bool:
    """Whether the user must be asked: always, unless the client proves that this very session is meant (§2)."""
    if hint is None or hint.sub != session.sub:
        return True
    if logout_hint is not None and not _names(logout_hint, session, hint):
        return True
    return hint.sid is not None and hint.sid != session.sid


def _names(logout_hint: str, session: Session, hint: Hint) -> bool:
    """Whether a logout_hint (§2) names this session or its user, in one of the ways in which clients know them."""
    exact, named = (session.sid, session.sub, hint.told_sub), (session.username, session.email)
    return logout_hint in exact or logout_hint.casefold() in [name.casefold() for name in named if name is not None]


def redirect_target(request: LogoutRequest, hint: Hint | None) -> str | None:
    """Where the browser goes after the logout: to an exactly registered URI of a client that the hint proves (§3)."""
    uri = request.post_logout_redirect_uri
    if hint is None or uri is None or uri not in hint.client.post_logout_redirect_uris:
        return None
    return uri if request.state is None else with_parameters(uri, [("state", request.state)])


def frame_url(uri: str, issuer: str, sid: str) -> str:
    """What a frame loads: the client's registered URI, with the issuer and the session (Front-Channel Logout §2)."""
    return with_parameters(uri, [("iss", issuer), ("sid", sid)])

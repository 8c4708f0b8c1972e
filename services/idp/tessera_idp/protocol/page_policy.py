"""What a page may show of a client, and where its forms may lead (Content-Security-Policy sources)."""

import re

from tessera_shared.handoff import ClientDisplay
from tessera_shared.uri import origin

_HOST_SOURCE = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_OWN_PATH = re.compile(r"/(?:[A-Za-z0-9._~?&=%-][A-Za-z0-9/._~?&=%-]*)?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def form_destinations(issuer: str, redirect_origin: str) -> list[str]:
    """Where a form's redirects may lead beside this service: to the issuer, and to the client.

    Browsers hold a form's whole chain of redirects against the policy. A client's page may send the user on to another
    of its sites, which nobody can name here, so the client's scheme is allowed and not its origin alone.
    """
    scheme = _SCHEME.match(redirect_origin)
    return [origin(issuer)] if scheme is None else [origin(issuer), scheme.group()]


def displayed(client: ClientDisplay) -> ClientDisplay:
    """The client without addresses that a page must not link to or load: only http(s) ones are kept."""
    return ClientDisplay(
        client_id=client.client_id,
        name=client.name,
        uri=_web_address(client.uri),
        logo_uri=_web_address(client.logo_uri),
        policy_uri=_web_address(client.policy_uri),
        tos_uri=_web_address(client.tos_uri),
        host=client.host,
    )


def logo_sources(client: ClientDisplay) -> list[str]:
    """The one origin that images may come from, if the client has a logo there."""
    return [] if client.logo_uri is None else [origin(client.logo_uri)]


def is_own_path(path: str | None) -> bool:
    """Whether a browser that is sent there stays at this service; None is nowhere to be sent."""
    return path is None or _OWN_PATH.fullmatch(path) is not None


def _web_address(uri: str | None) -> str | None:
    """The URI if it is one that CSP can name by its host, else None."""
    if uri is None:
        return None
    try:
        return uri if _HOST_SOURCE.fullmatch(origin(uri)) else None
    except ValueError:
        return None

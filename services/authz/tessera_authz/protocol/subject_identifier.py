"""Pairwise subjects in client metadata (OpenID Connect Core §8): the sector must be known, and stays what it is."""

from collections.abc import Mapping
from typing import Any

from tessera_authz.protocol.registration_policy import refusal
from tessera_shared.pairwise import SUBJECT_TYPES, NoSector, sector_of

_MEMBER = "subject_type"


def check_sector(metadata: Mapping[str, Any]) -> None:
    """Refuse a pairwise client without a sector (§8.1).

    Raises:
        OAuthError: invalid_client_metadata.

    """
    try:
        _sector(metadata)
    except NoSector as error:
        raise refusal(
            _MEMBER,
            "needs redirect URIs of one host, or a sector_identifier_uri",
            "one host, or sector_identifier_uri (OIDC Core §8.1)",
        ) from error


def check_unchanged(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Refuse a change that would give every user of a client another identifier: all of them would become strangers.

    Raises:
        OAuthError: invalid_client_metadata.

    """
    if _sector(old) != _sector(new):
        raise refusal(_MEMBER, "and the sector must stay as they were registered", "the same sector (OIDC Core §8.1)")


def _sector(metadata: Mapping[str, Any]) -> str | None:
    return sector_of(
        metadata.get(_MEMBER, SUBJECT_TYPES[0]),
        metadata.get("sector_identifier_uri"),
        metadata.get("redirect_uris", ()),
    )

"""Standard claims by scope (OpenID Connect Core §5.1, §5.4) and the authentication context classes Tessera tells."""

from collections.abc import Mapping
from typing import Any

SCOPE_CLAIMS: dict[str, tuple[str, ...]] = {
    "openid": ("sub",),
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
"""The claims that userinfo tells for each granted scope."""

ACR_ONE_FACTOR = "urn:tessera:acr:one-factor"
ACR_MULTI_FACTOR = "urn:tessera:acr:multi-factor"
ACR_PHISHING_RESISTANT = "urn:tessera:acr:phishing-resistant"
ACR_VALUES = (ACR_ONE_FACTOR, ACR_MULTI_FACTOR, ACR_PHISHING_RESISTANT)
"""Authentication context class references (OpenID Connect Core §2), weakest first: each includes those before it."""


def reaches(acr: str, wanted: str | None) -> bool:
    """Whether a login of this class is at least as strong as what is wanted; one that is not known is never reached."""
    if wanted is None:
        return True
    if acr not in ACR_VALUES or wanted not in ACR_VALUES:
        return acr == wanted
    return ACR_VALUES.index(acr) >= ACR_VALUES.index(wanted)


def asked_for(known: Mapping[str, Any], wishes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Those of a user's claims that were asked for one by one (OpenID Connect Core §5.5.1).

    Args:
        known: What is known of the user.
        wishes: By claim `{"essential": boolean, "values": [...]}`; where values are named, another one is not told.

    """
    return {
        name: known[name]
        for name, wish in wishes.items()
        if known.get(name) is not None and (not wish["values"] or known[name] in wish["values"])
    }

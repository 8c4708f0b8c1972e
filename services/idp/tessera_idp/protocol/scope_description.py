"""What a scope means to the person who is asked to allow it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScopeDescription:
    """One line of the consent page."""

    scope: str
    title: str
    detail: str


DESCRIPTIONS: dict[str, tuple[str, str]] = {
    "openid": ("Recognize you", "With the same identifier at every login"),
    "profile": ("See your profile", "Name, picture, gender, birthdate, language and time zone"),
    "email": ("See your email address", "And whether it is verified"),
    "address": ("See your postal address", "Street, city, postal code and country"),
    "phone": ("See your phone number", "And whether it is verified"),
    "offline_access": ("Stay connected", "Also while you are not using it"),
}


def describe(scope: Iterable[str]) -> list[ScopeDescription]:
    """The lines for a scope; a token without words of its own is shown as it is written."""
    return [
        ScopeDescription(
            token, *DESCRIPTIONS.get(token, (f"Use “{token}”", "A permission that has no other description"))
        )
        for token in scope
    ]

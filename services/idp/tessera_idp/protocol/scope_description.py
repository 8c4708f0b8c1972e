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
    "openid": ("Recognize you", "By an identifier that stays the same at every login"),
    "profile": ("See your profile", "Your name, picture, birthdate, gender, language and time zone"),
    "email": ("See your email address", "And whether it was verified"),
    "address": ("See your postal address", "Street, city, region, postal code and country"),
    "phone": ("See your phone number", "And whether it was verified"),
    "offline_access": ("Keep this access while you are away", "Also when you are not using the application"),
}


def describe(scope: Iterable[str]) -> list[ScopeDescription]:
    """The lines for a scope; a token without words of its own is shown as it is written."""
    return [
        ScopeDescription(token, *DESCRIPTIONS.get(token, (f"Use “{token}”", "A permission of the service it calls")))
        for token in scope
    ]

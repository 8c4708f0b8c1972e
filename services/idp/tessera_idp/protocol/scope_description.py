"""What a scope means to the person who is asked to allow it."""

from collections.abc import Iterable

from tessera_shared.handoff import ScopeDescription
from tessera_shared.translatable import N_

STANDARD = (
    (N_("Recognize you"), N_("With the same identifier at every login")),
    (N_("See your profile"), N_("Name, picture, gender, birthdate, language and time zone")),
    (N_("See your email address"), N_("And whether it is verified")),
    (N_("See your postal address"), N_("Street, city, postal code and country")),
    (N_("See your phone number"), N_("And whether it is verified")),
    (N_("Stay connected"), N_("Also while you are not using it")),
)
"""The issuer's own words for the standard scopes, which travel in the ask: here for the catalogues to have them."""


def describe(scope: Iterable[str], described: Iterable[ScopeDescription]) -> list[ScopeDescription]:
    """One line of the consent page per scope: the administrator's words, or, without any, none but the scope itself.

    Args:
        scope: What the client asks for.
        described: What the issuer says about them.

    """
    lines = {line.scope: line for line in described if line.title}
    return [lines.get(token) or ScopeDescription(token, "", "") for token in scope]

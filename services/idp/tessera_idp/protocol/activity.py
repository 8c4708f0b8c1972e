"""What of the audit log users are shown about their own accounts, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tessera_shared.translatable import N_

WORDS: Mapping[tuple[str, str], str] = {
    ("session.begun", "done"): N_("You logged in"),
    ("session.ended", "done"): N_("You logged out, or a session was ended"),
    ("login.refused", "refused"): N_("A login was refused"),
    ("consent.given", "done"): N_("You allowed an application to use your account"),
    ("consent.denied", "refused"): N_("You denied an application the use of your account"),
    ("consent.withdrawn", "done"): N_("You withdrew what you had allowed an application"),
}
"""By action and outcome; what is not here is not the user's concern."""
ACTIONS = tuple(sorted({action for action, _ in WORDS}))


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of an account.

    Attributes:
        words: What happened, marked for translation.
        about: Whom or what it concerns, such as the client; None where the words say it all.
        address: Where the request came from.
        user_agent: Of the browser, where it is known.

    """

    at: datetime
    words: str
    about: str | None
    address: str
    user_agent: str | None


def words_of(action: str, outcome: str) -> str | None:
    """What to say of an event; None for one that users are not shown."""
    return WORDS.get((action, outcome))

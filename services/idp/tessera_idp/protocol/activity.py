"""What of the audit log users are shown about their own accounts, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tessera_shared.translatable import N_

WORDS: Mapping[tuple[str, str], str] = {
    ("session.begun", "done"): N_("You logged in"),
    ("session.ended", "done"): N_("A session ended"),
    ("login.refused", "refused"): N_("A login was refused"),
    ("consent.given", "done"): N_("You allowed an application to use your account"),
    ("consent.denied", "refused"): N_("You denied an application the use of your account"),
    ("consent.withdrawn", "done"): N_("You withdrew what you had allowed an application"),
    ("factor.added", "done"): N_("A way to log in was added"),
    ("factor.added", "refused"): N_("A way to log in could not be added"),
    ("factor.removed", "done"): N_("A way to log in was removed"),
    ("factor.renewed", "done"): N_("A way to log in was renewed"),
    ("password.changed", "done"): N_("The password was changed"),
    ("password.changed", "refused"): N_("A change of the password was refused"),
    ("email.changed", "done"): N_("The e-mail address was changed"),
    ("email.restored", "done"): N_("The former e-mail address was restored"),
    ("profile.changed", "done"): N_("The profile was changed"),
    ("user.added", "done"): N_("The account was made"),
}
"""By action and outcome; what is not here is not the user's concern."""
ACTIONS = tuple(sorted({action for action, _ in WORDS}))
METHODS: Mapping[str, str] = {
    "password": N_("Password"),
    "passkey": N_("Passkey"),
    "totp": N_("Authenticator app"),
    "recovery_code": N_("Recovery codes"),
    "email_code": N_("Codes by e-mail"),
}
"""The words for login methods that events name."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of an account.

    Attributes:
        words: What happened, marked for translation.
        about: Whom or what it concerns, such as the client or the login method; None where the words say it all.
        address: Where the request came from; None for what an operator's command did.
        user_agent: Of the browser, where it is known.

    """

    at: datetime
    words: str
    about: str | None
    address: str | None
    user_agent: str | None


def words_of(action: str, outcome: str) -> str | None:
    """What to say of an event; None for one that users are not shown."""
    return WORDS.get((action, outcome))


def about(action: str, object_id: str, details: Mapping[str, object]) -> str | None:
    """Whom or what an event concerns: a name that was noted, else the login method, else the client."""
    for told in (details.get("name"), METHODS.get(str(details.get("method")))):
        if isinstance(told, str) and told:
            return told
    return object_id if action.startswith("consent.") else None

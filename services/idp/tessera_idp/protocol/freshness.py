"""Whether a login is recent enough for what the client asked (OpenID Connect Core §3.1.2.1, max_age and prompt)."""

from tessera_idp.protocol.models import Session
from tessera_shared.clock import seconds
from tessera_shared.handoff import Ask


def is_fresh(session: Session, ask: Ask) -> bool:
    """Whether the login counts without asking again: of the user who is expected, and recent enough.

    Whole seconds cannot tell a login just before a `prompt=login` from one just after it, so the same second is old.
    """
    if ask.sub not in (None, session.sub):  # id_token_hint: somebody else is expected
        return False
    return ask.authenticated_after is None or seconds(session.auth_time) > ask.authenticated_after

"""What may be chosen as a username."""

import re

_USERNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?")


def username(typed: str | None) -> str | None:
    """The name that was typed; None where it may not be one.

    Letters of one script only, so that no two names look alike; no @, so that none is somebody's e-mail address.
    """
    found = _USERNAME.fullmatch((typed or "").strip())
    return None if found is None else found[0]

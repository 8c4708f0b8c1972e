"""What is an e-mail address here: what mail servers everywhere deliver to (RFC 5321 §4.1.2)."""

import re

_MAX = 254
"""RFC 5321 §4.5.3.1.3: a path has 256 characters at most, two of them angle brackets."""
_MAX_LOCAL = 64
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_LOCAL})@({_LABEL}(?:\.{_LABEL})+)")


def email_address(typed: str | None) -> str | None:
    """The address that was typed, its domain in small letters; None where it is none.

    Quoted local parts, addresses of hosts without a domain, and letters that need SMTPUTF8 (RFC 6531) are left out:
    two that look alike must not be two accounts.
    """
    found = _ADDRESS.fullmatch((typed or "").strip())
    if found is None or len(found[0]) > _MAX or len(found[1]) > _MAX_LOCAL:
        return None
    return f"{found[1]}@{found[2].lower()}"

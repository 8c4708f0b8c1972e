"""When a mail that could not be delivered is tried again (RFC 5321 §4.5.4.1)."""

from datetime import datetime, timedelta

GIVE_UP_AFTER = timedelta(days=1)
"""A link or a code in it would not work any more."""
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(minutes=30)


def next_attempt(queued_at: datetime, attempts: int, now: datetime) -> datetime | None:
    """When to try again, later each time; None to give up.

    Args:
        queued_at: Since when it waits.
        attempts: How often it was tried, at least once.
        now: The current time.

    """
    wait = min(_FIRST_WAIT * 2 ** min(attempts - 1, 16), _LONGEST_WAIT)
    return now + wait if now + wait < queued_at + GIVE_UP_AFTER else None

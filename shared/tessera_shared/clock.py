"""The one place that reads the clock, and the one tolerance for clocks that disagree."""

from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(seconds=15)
"""How far another party's clock may be off, for every check of `exp`, `nbf` and `iat`."""


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def seconds(moment: datetime) -> int:
    """Seconds since the epoch, as JWT's NumericDate (RFC 7519 §2)."""
    return int(moment.timestamp())

"""The one place that reads the clock, and the one tolerance for clocks that disagree."""

import time
from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(seconds=15)
"""How far another party's clock may be off, for every check of `exp`, `nbf` and `iat`."""


LONG_AGO = timedelta(days=-1)
"""Before any time that `steady` tells."""


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def steady() -> timedelta:
    """Time that passes evenly from some moment on, whatever is done to the clock, while the machine sleeps too."""
    return timedelta(seconds=time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)))


def seconds(moment: datetime) -> int:
    """Seconds since the epoch, as JWT's NumericDate (RFC 7519 §2)."""
    return int(moment.timestamp())

"""How long the end of a session must be remembered: as long as authz says that access tokens live."""

from datetime import timedelta

from tessera_shared.access_token import MOST_SECONDS
from tessera_shared.db import Database, Transaction

LONGEST = "SELECT max(seconds) FROM authz.access_token_lifetimes"

_MARGIN = timedelta(seconds=60)
"""For clocks that disagree."""


async def revocation_lifetime(source: Database | Transaction) -> timedelta:
    """How long after its revocation an access token could still look valid to someone.

    Until authz has said how long its tokens live (it was not started since it can), the longest that it may be told.

    Raises:
        Unavailable: The database does not answer.

    """
    seconds: int | None = await source.fetchval(LONGEST)
    return timedelta(seconds=MOST_SECONDS if seconds is None else seconds) + _MARGIN

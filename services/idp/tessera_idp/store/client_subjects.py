"""What clients call users (OpenID Connect Core §8): by the few columns of clients that a sector is made of."""

import json

from tessera_shared.db import Database
from tessera_shared.pairwise import Subjects, sector_of

FIND = "SELECT subject_type, sector_identifier_uri, redirect_uris FROM authz.client_subjects WHERE client_id = $1"


class ClientSubjects:
    """Turns users' own identifiers into those that a client is told, and back."""

    def __init__(self, database: Database, subjects: Subjects) -> None:
        self._database = database
        self._subjects = subjects

    async def told(self, sub: str, client_id: str) -> str:
        """What the client is told of this user."""
        return self._subjects.told(sub, await self._sector(client_id))

    async def meant(self, told: str, client_id: str) -> str:
        """Whom the client means.

        Raises:
            InvalidToken: Nobody was ever called that to it.

        """
        return self._subjects.meant(told, await self._sector(client_id))

    async def _sector(self, client_id: str) -> str | None:
        """None for a client that is told public identifiers, or is gone."""
        row = await self._database.fetchrow(FIND, client_id)
        if row is None:
            return None
        redirect_uris = json.loads(row["redirect_uris"] or "[]")
        return sector_of(row["subject_type"], row["sector_identifier_uri"], redirect_uris)

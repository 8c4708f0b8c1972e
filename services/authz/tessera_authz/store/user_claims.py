"""The claims of users, which the identity provider owns: authz reads those that an ID token was asked to tell."""

import json
from collections.abc import Collection
from typing import Any

from tessera_shared.db import Database

CLAIMS_OF = "SELECT idp.claims_of($1, $2)"


class UserClaimsStore:
    """The identity provider's one function for this."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, sub: str, names: Collection[str]) -> dict[str, Any]:
        """Those of the named claims that the user has."""
        return dict(json.loads(await self._database.fetchval(CLAIMS_OF, sub, list(names))))

"""What the account pages read of authz and of the audit log, and the withdrawal: by functions limited to one user."""

import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from tessera_idp.protocol.activity import ACTIONS, Happened, about, words_of
from tessera_shared.db import Database, Row
from tessera_shared.handoff import ClientDisplay, ScopeDescription

APPLICATIONS = """
SELECT client_id, client_name, client_uri, logo_uri, policy_uri, tos_uri, described, since, last_used,
    initiate_login_uri
FROM authz.applications_of($1) LEFT JOIN authz.login_initiation USING (client_id)
ORDER BY last_used DESC
"""
WITHDRAW = "SELECT authz.withdraw_application($1, $2, $3)::text AS grant_id"
EVENTS = "SELECT at, action, object_id, origin, outcome, details FROM audit.events_before($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class Application:
    """A client that a user allowed something.

    Attributes:
        initiate_login_uri: Where a login at it can begin (OpenID Connect Core §4).

    """

    client: ClientDisplay
    described: tuple[ScopeDescription, ...]
    since: datetime
    last_used: datetime
    initiate_login_uri: str | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """A page of events, and before when the next one goes on; None on the last."""

    events: tuple[Happened, ...]
    older: datetime | None


class AccountStore:
    """What belongs to one user."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def applications(self, sub: str) -> list[Application]:
        """The applications that the user allowed something, last used first."""
        return [_to_application(row) for row in await self._database.fetch(APPLICATIONS, sub)]

    async def withdraw(self, sub: str, client_id: str, revoked_until: datetime) -> tuple[str, ...]:
        """Forget the consent and revoke every grant, in one statement; the grants' ids, to be announced."""
        rows = await self._database.fetch(WITHDRAW, sub, client_id, revoked_until)
        return tuple(row["grant_id"] for row in rows)

    async def events(self, sub: str, before: datetime | None, most: int) -> Activity:
        """What happened to the account, before a time if any, newest first; events of one moment stay together."""
        rows = await self._database.fetch(EVENTS, sub, list(ACTIONS), before, most)
        happened = tuple(each for row in rows if (each := _to_happened(row)) is not None)
        return Activity(happened, rows[-1]["at"] if len(rows) >= most else None)


def _to_application(row: Row) -> Application:
    client_id = row["client_id"]
    client = ClientDisplay(
        client_id=client_id,
        name=row["client_name"] or client_id,
        uri=row["client_uri"],
        logo_uri=row["logo_uri"],
        policy_uri=row["policy_uri"],
        tos_uri=row["tos_uri"],
        host=urlsplit(client_id).netloc if client_id.startswith("https://") else None,
    )
    described = tuple(ScopeDescription(**line) for line in json.loads(row["described"] or "[]"))
    return Application(client, described, row["since"], row["last_used"], row["initiate_login_uri"])


def _to_happened(row: Row) -> Happened | None:
    words = words_of(row["action"], row["outcome"])
    if words is None:
        return None
    details = json.loads(row["details"])
    concerned = about(row["action"], row["object_id"], details)
    address = None if row["action"].startswith("user.") else row["origin"]
    return Happened(row["at"], words, concerned, address, details.get("user_agent"))

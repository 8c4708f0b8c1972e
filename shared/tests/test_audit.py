"""The audit log: services add to it, and nobody changes what stands there."""

import json

import asyncpg
import pytest

from tessera_shared import audit
from tessera_shared.audit import Actor, Event

pytestmark = pytest.mark.integration


async def test_an_event_says_who_did_what_to_what_from_where_and_how_it_ended(database_as):
    actor = Actor("idp", "user:ada", "192.0.2.9", "request-77")
    event = Event("consent.denied", "client-77", "refused", {"scope": ("openid",)})
    await audit.record(await database_as("idp"), actor, event)
    owner = await database_as("owner")
    row = dict(await owner.fetchrow("SELECT * FROM audit.events WHERE object_id = 'client-77'"))
    assert (row["service"], row["actor"], row["action"]) == ("idp", "user:ada", "consent.denied")
    assert (row["object_type"], row["origin"], row["outcome"]) == ("consent", "192.0.2.9", "refused")
    assert (row["request_id"], json.loads(row["details"])) == ("request-77", {"scope": ["openid"]})
    assert row["at"] is not None


@pytest.mark.parametrize("role", ["authz", "idp", "rs"])
async def test_services_add_to_the_audit_log_and_can_do_nothing_else_with_it(database_as, role):
    database = await database_as(role)
    await audit.record(database, Actor(role, "user:test", "192.0.2.1"), Event("session.begun", "sid"))
    for statement in (
        "SELECT * FROM audit.events",
        "UPDATE audit.events SET actor = 'nobody'",
        "DELETE FROM audit.events",
        "TRUNCATE audit.events",
        "INSERT INTO audit.events (at, service, actor) VALUES ('2000-01-01', 'a', 'b')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.execute(statement)


async def test_not_even_the_owner_changes_the_audit_log(database_as):
    owner = await database_as("owner")
    for statement in ("UPDATE audit.events SET actor = 'nobody'", "DELETE FROM audit.events", "TRUNCATE audit.events"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await owner.execute(statement)

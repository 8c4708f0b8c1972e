"""Migrations: each applied once, under a lock, all or nothing; what does not fit is refused."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from stack.embedded_environment import environment_of
from stack.ports import Ports
from tessera_shared import schema
from tessera_shared.errors import StartupError

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[2] / "configs" / "migrate.yml"
NAMES = [migration.name for migration in schema.migrations()]


@pytest.fixture
async def empty(database_as):
    """The name of a database that no migrate step has seen."""
    owner = await database_as("owner")
    await owner.execute("CREATE DATABASE empty")
    yield "empty"
    await owner.execute("DROP DATABASE empty WITH (FORCE)")


async def migrate_step(servers, name, **changes):
    """Run the real command; returns its exit status and what it wrote."""
    environment = {**environment_of("migrate", Ports(), servers), "TESSERA_MIGRATE_DATABASE__NAME": name, **changes}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tessera_shared.schema", "--config", str(CONFIG)),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_of_five_concurrent_migrate_steps_one_applies_and_all_succeed(data_servers, empty):
    done = await asyncio.gather(*(migrate_step(data_servers, empty) for _ in range(5)))
    assert [status for status, _ in done] == [0] * 5, done
    applied = [output for _, output in done if NAMES[0] in output]
    assert len(applied) == 1
    assert all(name in applied[0] for name in NAMES)


def test_no_two_migrations_have_the_same_number():
    versions = [migration.version for migration in schema.migrations()]
    assert versions == sorted(set(versions))


async def test_each_migration_is_recorded_with_its_checksum(fresh_database_as):
    owner = await fresh_database_as("owner")
    rows = await owner.fetch(schema.APPLIED)
    assert [(row["version"], row["name"], row["checksum"]) for row in rows] == [
        (migration.version, migration.name, migration.checksum) for migration in schema.migrations()
    ]


async def test_a_second_run_applies_nothing(fresh_database_as):
    async with (await fresh_database_as("owner")).transaction() as tx:
        assert await schema.migrate(tx) == []


async def test_a_file_that_was_changed_after_it_was_applied_is_refused(fresh_database_as):
    owner = await fresh_database_as("owner")
    await owner.execute("UPDATE public.schema_history SET checksum = 'other' WHERE version = 2")
    with pytest.raises(StartupError, match=r"0002_revocation\.sql was changed after it was applied"):
        async with owner.transaction() as tx:
            await schema.migrate(tx)


async def test_a_database_that_is_newer_than_the_release_is_refused(fresh_database_as):
    owner = await fresh_database_as("owner")
    await owner.execute(schema.RECORD, 9999, "9999_future.sql", "unknown")
    with pytest.raises(StartupError, match=r"9999_future\.sql, which this release does not know"):
        async with owner.transaction() as tx:
            await schema.migrate(tx)


async def test_a_migration_that_fails_leaves_nothing_behind(fresh_database_as, monkeypatch):
    owner = await fresh_database_as("owner")
    good = schema.Migration(9001, "9001_good.sql", "CREATE TABLE public.half (x int)")
    broken = schema.Migration(9002, "9002_broken.sql", "CREATE TABLE public.other (x nonsense)")
    all_of_them = [*schema.migrations(), good, broken]
    monkeypatch.setattr(schema, "migrations", lambda: all_of_them)
    with pytest.raises(Exception, match="nonsense"):
        async with owner.transaction() as tx:
            await schema.migrate(tx)
    assert await owner.fetchval("SELECT to_regclass('public.half')") is None
    assert len(await owner.fetch(schema.VERSIONS)) == len(NAMES)


@pytest.mark.parametrize("role", ["authz", "idp", "rs"])
@pytest.mark.parametrize("name", [NAMES[-1], NAMES[-2]])  # parallel work may add one before the newest
async def test_a_service_refuses_to_start_while_a_migration_is_missing_and_says_what_to_run(
    fresh_database_as, role, name
):
    database = await fresh_database_as(role)
    await schema.check_version(database)
    owner = await fresh_database_as("owner")
    await owner.execute("DELETE FROM public.schema_history WHERE name = $1", name)
    with pytest.raises(StartupError, match=rf"schema: {name} not applied; run python -m tessera_shared\.schema"):
        await schema.check_version(database)


async def test_a_service_refuses_to_start_on_an_empty_database(fresh_database_as):
    owner = await fresh_database_as("owner")
    await owner.execute("DROP TABLE public.schema_history")
    with pytest.raises(StartupError, match=rf"{NAMES[0]} and {len(NAMES) - 1} more not applied"):
        await schema.check_version(await fresh_database_as("rs"))


async def test_a_service_starts_on_a_newer_schema(fresh_database_as):
    owner = await fresh_database_as("owner")
    await owner.execute(schema.RECORD, 9999, "9999_future.sql", "unknown")
    await schema.check_version(await fresh_database_as("rs"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"TESSERA_MIGRATE_DATABASE__PORT": "9"}, ":9/tessera: "),
        ({"TESSERA_MIGRATE_DATABASE__NAME": "nowhere"}, 'database "nowhere" does not exist'),
        ({"TESSERA_MIGRATE_DATABASE__USER": "nobody"}, "nobody@"),
        ({"TESSERA_MIGRATE_DATABASE__PASSWORD_FILE": "/nothing"}, "secret file /nothing cannot be read"),
        ({"TESSERA_MIGRATE_ROLES__RS_PASSWORD_FILE": "/nothing"}, "secret file /nothing cannot be read"),
        ({"TESSERA_MIGRATE_DATABASE__HOSTT": "x"}, "TESSERA_MIGRATE_DATABASE__HOSTT names no configuration key"),
        ({"TESSERA_MIGRATE_DATABASE__PORT": "x"}, "database.port"),
    ],
)
async def test_a_migrate_step_that_cannot_work_ends_with_one_clear_line_and_status_1(data_servers, changes, said):
    status, output = await migrate_step(data_servers, **{"name": "tessera", **changes})
    assert status == 1
    assert "Traceback" not in output
    last = output.splitlines()[-1]
    assert last.startswith("tessera migrate: ")
    assert said in last

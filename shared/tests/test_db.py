"""The database: transactions, and one exception for every way PostgreSQL can be away."""

import asyncio
import time

import asyncpg
import pytest

from tessera_shared.config import Database as DatabaseConfig
from tessera_shared.db import connect
from tessera_shared.errors import StartupError, Unavailable

pytestmark = pytest.mark.integration


@pytest.fixture
async def owner(own_database_as):
    database = await own_database_as("owner")
    await database.execute("CREATE TABLE IF NOT EXISTS public.notes (note text)")
    return database


async def count(database, note):
    return await database.fetchval("SELECT count(*) FROM public.notes WHERE note = $1", note)


async def test_a_transaction_commits_when_its_block_ends(owner):
    async with owner.transaction() as tx:
        await tx.execute("INSERT INTO public.notes VALUES ($1)", "committed")
        assert await count(owner, "committed") == 0
    assert await count(owner, "committed") == 1


async def test_a_transaction_rolls_back_when_its_block_raises(owner):
    async def insert():
        async with owner.transaction() as tx:
            await tx.execute("INSERT INTO public.notes VALUES ($1)", "rolled back")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await insert()
    assert await count(owner, "rolled back") == 0


async def test_a_transaction_that_is_cancelled_rolls_back_and_frees_its_connection(owner):
    async def insert():
        async with owner.transaction() as tx:
            await tx.execute("INSERT INTO public.notes VALUES ($1)", "cancelled")
            await asyncio.sleep(60)

    for _ in range(20):  # more than the pool has
        task = asyncio.create_task(insert())
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await count(owner, "cancelled") == 0


async def test_an_error_in_a_statement_is_no_outage(owner):
    with pytest.raises(asyncpg.UndefinedTableError):
        await owner.fetch("SELECT * FROM nowhere")


async def test_a_notice_reaches_the_listener(owner):
    heard, connected = [], asyncio.Event()
    task = asyncio.create_task(owner.listen("channel", heard.append, connected.set))
    await asyncio.wait_for(connected.wait(), 2)
    await owner.execute("SELECT pg_notify('channel', 'changed')")
    await asyncio.sleep(0.2)
    assert heard == ["changed"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_while_postgresql_is_away_everything_is_unavailable_and_afterwards_works_again(own_servers, owner):
    heard = asyncio.Event()
    listening = asyncio.create_task(owner.listen("channel", print, heard.set))
    await asyncio.wait_for(heard.wait(), 2)
    own_servers.kill("postgres")
    try:
        for _ in range(15):
            with pytest.raises(Unavailable):
                await owner.fetchval("SELECT 1")
        with pytest.raises(Unavailable):
            async with owner.transaction():
                pass
        with pytest.raises(Unavailable):
            await asyncio.wait_for(listening, 5)
    finally:
        own_servers.start("postgres")
    assert await owner.fetchval("SELECT 1") == 1


async def test_a_transaction_during_which_postgresql_dies_is_unavailable(own_servers, owner):
    async def insert():
        async with owner.transaction() as tx:
            await tx.execute("INSERT INTO public.notes VALUES ('lost')")
            own_servers.kill("postgres")
            await tx.execute("INSERT INTO public.notes VALUES ('lost')")

    try:
        with pytest.raises(Unavailable):
            await insert()
    finally:
        own_servers.start("postgres")
    assert await count(owner, "lost") == 0


async def test_while_postgresql_hangs_a_statement_is_unavailable_in_bounded_time(own_servers, owner):
    own_servers.pause("postgres")
    started = time.monotonic()
    try:
        with pytest.raises(Unavailable):
            await owner.fetchval("SELECT 1")
        assert time.monotonic() - started < 11
    finally:
        own_servers.resume("postgres")
    assert await owner.fetchval("SELECT 1") == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"port": 9}, ":9/tessera: "),
        ({"host": "no-such-host.invalid"}, "no-such-host.invalid"),
        ({"name": "nowhere"}, '/nowhere: database "nowhere" does not exist'),
        ({"user": "tessera_idp"}, 'password authentication failed for user "tessera_idp"'),
    ],
)
async def test_a_database_that_cannot_be_used_ends_the_start_and_names_its_place(own_servers, changes, said):
    config = DatabaseConfig(
        host=own_servers.host,
        port=own_servers.postgres_port,
        user="tessera_rs",
        password_file=own_servers.password_file("rs", "database_password"),
    )
    with pytest.raises(StartupError) as refused:
        await connect(config.model_copy(update=changes))
    assert said in str(refused.value)
    assert str(refused.value).startswith("database: ")
    assert config.password_file.read_text().strip() not in str(refused.value)

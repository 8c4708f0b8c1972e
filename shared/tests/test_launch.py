"""Starting and ending a service, and what runs beside its requests."""

import asyncio
import sys

import pytest
from structlog.testing import capture_logs

from tessera_shared import launch as launching
from tessera_shared.errors import StartupError, Unavailable
from tessera_shared.launch import Background, launch


@pytest.mark.parametrize("error", [StartupError("keys: broken"), Unavailable("PostgreSQL does not answer")])
def test_a_failed_start_is_one_line_and_status_1(monkeypatch, capsys, error):
    async def run(_path):
        raise error

    monkeypatch.setattr(sys, "argv", ["tessera", "--config", "rs.yml"])
    assert launch("rs", run) == 1
    assert capsys.readouterr().err == f"tessera rs: {error}\n"


def test_a_service_that_ends_is_status_0_and_got_its_configurations_path(monkeypatch):
    paths = []

    async def run(path):
        paths.append(str(path))

    monkeypatch.setattr(sys, "argv", ["tessera", "--config", "configs/rs.yml"])
    assert launch("rs", run) == 0
    assert paths == ["configs/rs.yml"]


def test_without_a_configuration_it_says_how_to_start(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tessera"])
    with pytest.raises(SystemExit) as ended:
        launch("rs", None)
    assert ended.value.code == 2
    assert "--config" in capsys.readouterr().err


@pytest.fixture
def hurried(monkeypatch):
    """The pause before a broken task starts again, taken away."""
    sleep = asyncio.sleep
    monkeypatch.setattr(launching.asyncio, "sleep", lambda _seconds: sleep(0))


@pytest.mark.usefixtures("hurried")
async def test_a_background_task_that_breaks_is_logged_and_started_again():
    starts, done = [], asyncio.Event()

    async def work():
        starts.append(1)
        if len(starts) < 3:
            raise RuntimeError("broken")
        done.set()
        await asyncio.Event().wait()

    background = Background()
    with capture_logs() as lines:
        background.start("work", work)
        await asyncio.wait_for(done.wait(), 1)
        await background.stop()
    assert [line["task"] for line in lines] == ["work", "work"]
    assert all(line["log_level"] == "error" for line in lines)
    await asyncio.wait_for(asyncio.sleep(0), 1)
    assert len(starts) == 3


@pytest.mark.usefixtures("hurried")
async def test_repeated_work_skips_a_turn_while_a_store_is_away():
    turns, done = [], asyncio.Event()

    async def work():
        turns.append(1)
        if len(turns) == 1:
            raise Unavailable("away")
        done.set()

    background = Background()
    with capture_logs() as lines:
        background.every("purge", 1, work)
        await asyncio.wait_for(done.wait(), 1)
        await background.stop()
    assert [(line["log_level"], line["task"]) for line in lines] == [("warning", "purge")]


async def test_stopping_ends_every_task():
    background, ended = Background(), []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    for _ in range(3):
        background.start("work", work)
    await asyncio.sleep(0)
    await background.stop()
    assert len(ended) == 3

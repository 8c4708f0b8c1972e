"""Operators' commands: their arguments, what they print, and how they end."""

import io
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import pytest
import structlog
import typer

from tessera_shared import logging
from tessera_shared.command_line import CommandError, Group, read_secret, run
from tessera_shared.errors import OAuthError, StartupError, Unavailable
from tessera_shared.launch import is_command

AT = datetime(2026, 11, 24, tzinfo=UTC)


async def list_things(work, limit: Annotated[int, typer.Option(help="How many.")] = 2):
    """List things."""
    return [{"name": f"thing {n}\x1b[31m", "config": work, "at": AT, "tags": ["a", "b"]} for n in range(limit)]


async def show(_work, name: str, *, loud: Annotated[bool, typer.Option("--loud")] = False):
    """Show a thing."""
    return {"name": name.upper() if loud else name, "id": UUID(int=5), "nothing": None, "yes": True, "more": {"a": 1}}


async def fail(_work, how: str):
    """Fail."""
    raise {
        "command": CommandError("it cannot be done"),
        "oauth": OAuthError("invalid_client_metadata", "The member x is wrong.", expected="y"),
        "startup": StartupError("no database"),
        "away": Unavailable("PostgreSQL does not answer"),
    }[how]


@pytest.fixture(autouse=True)
def _forget_logging():
    """A command sets the process's log up; the next test has its own."""
    yield
    structlog.reset_defaults()
    logging.get.cache_clear()
    structlog.contextvars.clear_contextvars()


GROUPS = {"things": Group("Things.", {"list": list_things, "show": show, "fail": fail})}


@asynccontextmanager
async def open_work(path):
    yield path


def call(*arguments):
    return run("thing", GROUPS, open_work, arguments)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], False),
        (["--config", "configs/authz.yml"], False),
        (["--config=configs/authz.yml"], False),
        (["--config"], False),
        (["clients", "list"], True),
        (["--config", "configs/authz.yml", "clients", "list"], True),
        (["--config=configs/authz.yml", "clients"], True),
        (["--help"], True),
        (["--nonsense"], True),
    ],
)
def test_a_service_serves_unless_there_is_a_command(arguments, expected):
    assert is_command(arguments) is expected


def test_lists_are_tables_whose_cells_cannot_steer_the_terminal(capsys):
    assert call("things", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "config", "at", "tags"]
    assert "\x1b" not in "".join(lines)
    assert "2026-11-24 00:00:00+00:00" in lines[1]
    assert lines[1].rstrip().endswith("a b")


def test_an_empty_list_says_so(capsys):
    assert call("things", "list", "--limit", "0") == 0
    assert capsys.readouterr().out == "nothing\n"


def test_json_is_for_machines(capsys):
    assert call("--config", "other.yml", "things", "list", "--json", "--limit", "1") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == [{"name": "thing 0\x1b[31m", "config": "other.yml", "at": AT.isoformat(), "tags": ["a", "b"]}]


def test_one_thing_is_told_line_by_line(capsys):
    assert call("things", "show", "tea", "--loud") == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["name", "TEA"]
    assert [line.split()[1] for line in out.splitlines()[1:4]] == [str(UUID(int=5)), "-", "yes"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("command", "tessera thing: it cannot be done\n"),
        ("oauth", "tessera thing: The member x is wrong. Expected: y\n"),
        ("startup", "tessera thing: no database\n"),
        ("away", "tessera thing: PostgreSQL does not answer\n"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_1(capsys, how, said):
    assert call("things", "fail", how) == 1
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("things", "nonsense"), ("things", "show"), ("things", "list", "--x")]
)
def test_what_is_not_understood_is_status_2(capsys, arguments):
    assert call(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_help_names_every_command(capsys):
    assert call("things", "--help") == 0
    out = capsys.readouterr().out
    assert all(verb in out for verb in ("list", "show", "fail"))


def test_a_secret_is_the_one_line_of_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("a secret with spaces \nand more"))
    assert read_secret("Secret") == "a secret with spaces "


@pytest.mark.parametrize("typed", ["", "\n", "short\n"])
def test_a_short_secret_is_refused(monkeypatch, typed):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(CommandError):
        read_secret("Secret")


def test_paths_are_told_as_text(capsys):
    assert call("things", "list", "--json", "--limit", "1") == 0
    assert json.loads(capsys.readouterr().out)[0]["config"] == str(Path("configs/thing.yml"))

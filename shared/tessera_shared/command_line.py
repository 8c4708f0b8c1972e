"""Commands for operators: `python -m tessera_<service> <things> <verb> …`, for people or, with --json, for machines.

A command is an async function: its first parameter is what it works with, the others are its arguments and options as
typer reads them, its docstring is its help, and what it returns is printed. Exit status 0 is done, 1 not done, 2 not
understood; errors are one line.
"""

import asyncio
import getpass
import inspect
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tessera_shared import logging
from tessera_shared.audit import Actor
from tessera_shared.config import Log
from tessera_shared.errors import OAuthError, StartupError, Unavailable

Result = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Command = Callable[..., Awaitable[Result]]
Open = Callable[[Path], AbstractAsyncContextManager[Any]]
"""Opens what commands work with, from the path of the configuration."""

_WIDTH_OF_A_PIPE = 200
_MIN_SECRET = 8


class CommandError(Exception):
    """A command cannot do what it was asked; the message is the one line that is printed."""


@dataclass(frozen=True, slots=True)
class Group:
    """The commands about one kind of thing, by their verbs."""

    help: str
    commands: Mapping[str, Command]


def run(service: str, groups: Mapping[str, Group], open_work: Open, arguments: Sequence[str]) -> int:
    """Run the command that the arguments name; returns the exit status."""
    logging.configure(Log(level="warning", format="console"), service)
    app = typer.Typer(
        help=f"Operate tessera {service}. Without a command it serves.", no_args_is_help=True, add_completion=False
    )
    app.callback()(_callback(service))
    for name, group in groups.items():
        commands = typer.Typer(help=group.help, no_args_is_help=True)
        for verb, command in group.commands.items():
            commands.command(verb)(_as_typer_command(command, open_work))
        app.add_typer(commands, name=name)
    try:
        app(list(arguments), prog_name=f"python -m tessera_{service}", standalone_mode=True)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except (CommandError, StartupError, Unavailable) as error:
        return _fail(service, str(error))
    except OAuthError as error:
        return _fail(service, error.description + (f" Expected: {error.expected}" if error.expected else ""))
    return 0


def operator(service: str) -> Actor:
    """Who runs the command, for the audit log."""
    return Actor(service, f"operator:{getpass.getuser()}", socket.gethostname())


def read_secret(what: str) -> str:
    """A secret that a person chose: typed twice, or the one line of standard input; never an argument.

    Raises:
        CommandError: It is too short, or was not typed alike.

    """
    if sys.stdin.isatty():
        secret = getpass.getpass(f"{what}: ")
        if getpass.getpass(f"{what} again: ") != secret:
            raise CommandError(f"{what}: not typed alike")
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    if len(secret) < _MIN_SECRET:
        raise CommandError(f"{what}: at least {_MIN_SECRET} characters are needed on standard input")
    return secret


def _callback(service: str) -> Callable[..., None]:
    def set_config(
        context: typer.Context,
        config: Annotated[Path, typer.Option(help="The service's configuration.")] = Path(f"configs/{service}.yml"),
    ) -> None:
        context.obj = config

    return set_config


def _as_typer_command(command: Command, open_work: Open) -> Callable[..., None]:
    """The command as typer calls it: with the context in place of what it works with, and --json beside."""
    as_json = inspect.Parameter(
        "as_json",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[bool, typer.Option("--json", help="Machine-readable output.")],
    )
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

    def call(context: typer.Context, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - typer's values
        async def work() -> Result:
            async with open_work(context.obj) as opened:
                return await command(opened, **given)

        _print(asyncio.run(work()), as_json=as_json)

    parameters = [context, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), as_json]
    call.__doc__ = command.__doc__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call


def _print(result: Result, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, default=_to_json, ensure_ascii=False, indent=2))  # noqa: T201 - a command's output
        return
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE, highlight=False)
    if isinstance(result, Mapping):
        width = max((len(name) for name in result), default=0)
        for name, value in result.items():
            console.print(Text(f"{name:<{width}}  {_to_text(value)}"), soft_wrap=True)
        return
    table = RichTable(box=None, pad_edge=False)
    for name in result[0] if result else ():
        table.add_column(name, overflow="fold")
    for row in result:
        table.add_row(*(Text(_to_text(value)) for value in row.values()))
    console.print(table if result else Text("nothing"))


def _to_text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case list() | tuple():
            return " ".join(_to_text(part) for part in value)
        case dict():
            return json.dumps(value, default=_to_json, ensure_ascii=False)
        case _:  # what a client or browser said must not steer the terminal
            return "".join(c if c.isprintable() else "\ufffd" for c in str(value))


def _to_json(value: object) -> str:
    match value:
        case datetime():
            return value.isoformat()
        case UUID() | Path():
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} cannot be told as JSON")


def _fail(service: str, message: str) -> int:
    print(f"tessera {service}: {message}", file=sys.stderr)  # noqa: T201 - a command's error
    return 1

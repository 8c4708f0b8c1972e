"""The command line: python -m stack up | down | logs | status | reset | choose | certs | operate."""

import argparse
import sys
from pathlib import Path

from stack.certificates import from_compose, from_embedded
from stack.choice import choose
from stack.compose import ComposeStack
from stack.errors import StackError
from stack.folder import Folder
from stack.guide import guide
from stack.progress import Progress, complain

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run one command; one clear line and status 1 on failure."""
    arguments = _parser().parse_args()
    commands = {
        "up": _up,
        "down": _down,
        "logs": _logs,
        "status": _status,
        "reset": _reset,
        "choose": _choose,
        "certs": _certs,
        "operate": _operate,
    }
    try:
        return commands[arguments.command](arguments)
    except StackError as error:
        complain(error)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--stack", choices=("auto", "compose", "embedded"), default="auto", help="which stack")
    shared.add_argument(
        "--directory", type=Path, default=ROOT / ".tessera", help="where an embedded stack keeps its data"
    )
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("up", "start everything and say what to try next"),
        ("down", "stop everything; data stays"),
        ("status", "say what runs"),
        ("choose", "print which stack `up` would start"),
        ("certs", "copy the demo certificates for the TLS ports to where you can use them"),
    ):
        commands.add_parser(name, parents=[shared], help=text)
    logs = commands.add_parser("logs", parents=[shared], help="show the logs")
    logs.add_argument("--follow", "-f", action="store_true", help="go on until Ctrl-C")
    logs.add_argument("names", nargs="*", help="services; all when none is named")
    operate = commands.add_parser("operate", parents=[shared], help="run an operator's command of a service")
    operate.add_argument("service", choices=("authz", "idp"))
    operate.add_argument("words", nargs=argparse.REMAINDER, metavar="…", help="such as: clients list --json")
    reset = commands.add_parser("reset", parents=[shared], help="stop everything and remove data, secrets and logs")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _choose(arguments: argparse.Namespace) -> int:
    choice = choose(arguments.stack)
    print(choice.kind)
    print(f"tessera: the {choice.kind} stack: {choice.reason}", file=sys.stderr)
    return 0


def _up(arguments: argparse.Namespace) -> int:
    choice = choose(arguments.stack)
    progress = Progress()
    progress(f"the {choice.kind} stack: {choice.reason}")
    if choice.kind == "embedded":
        _foreground(arguments.directory, progress)
        return 0
    stack = ComposeStack(progress)
    stack.up()
    print(guide(stack.ports))
    progress("running in the background; `make logs`, `make status` and `make down` are next")
    return 0


def _certs(arguments: argparse.Namespace) -> int:
    choice = choose(arguments.stack)
    if choice.kind == "embedded":
        folder = from_embedded(arguments.directory)
    else:
        folder = from_compose(arguments.directory, ComposeStack(Progress()))
    print(f"in {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    return 0


def _foreground(directory: Path, progress: Progress) -> None:
    """Only the embedded stack needs the installed packages, so only here are they imported."""
    try:
        from stack import foreground  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise StackError(f"{error.name} is not installed here; `make up` installs everything") from error
    foreground.run(directory, progress)


def _present(arguments: argparse.Namespace) -> tuple[Folder | None, ComposeStack | None]:
    """The stacks there are on this machine, among those asked for."""
    progress = Progress()
    folder = Folder(arguments.directory, progress)
    compose = ComposeStack(progress)
    with_folder = arguments.stack != "compose" and folder.exists()
    with_compose = arguments.stack != "embedded" and choose().kind == "compose" and compose.exists()
    return folder if with_folder else None, compose if with_compose else None


def _down(arguments: argparse.Namespace) -> int:
    folder, compose = _present(arguments)
    runs_here = folder is not None and folder.running()
    if folder and runs_here:
        folder.down()
    if compose:
        compose.down()
    if not compose and not runs_here:
        print("nothing is running")
    return 0


def _logs(arguments: argparse.Namespace) -> int:
    folder, compose = _present(arguments)
    if compose and not (folder and folder.running()):
        return compose.logs(*arguments.names, follow=arguments.follow)
    if folder:
        return folder.logs(*arguments.names, follow=arguments.follow)
    raise StackError("there is no stack, so there are no logs; `make up` starts one")


def _status(arguments: argparse.Namespace) -> int:
    folder, compose = _present(arguments)
    if folder and folder.running():
        print("the embedded stack:", *folder.status(), sep="\n  ")
    if compose:
        print("the compose stack:", *compose.status(), sep="\n  ")
    if not compose and not (folder and folder.running()):
        print("nothing is running")
    return 0


def _operate(arguments: argparse.Namespace) -> int:
    folder, compose = _present(arguments)
    if folder and folder.running():
        return folder.operate(arguments.service, arguments.words)
    if compose:
        return compose.operate(arguments.service, arguments.words)
    raise StackError("nothing is running; `make up` starts everything")


def _reset(arguments: argparse.Namespace) -> int:
    choice = choose(arguments.stack)
    if not (arguments.yes or _agrees()):
        print("nothing was removed")
        return 1
    progress = Progress()
    if arguments.stack != "compose":
        Folder(arguments.directory, progress).reset()
    if choice.kind == "compose":
        ComposeStack(progress).reset()
    return 0


def _agrees() -> bool:
    print(
        "This removes all data, keys and secrets of the stack on this machine. Type yes to go on: ", end="", flush=True
    )
    return sys.stdin.readline().strip() == "yes"


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench`: measure Tessera beside oidc-provider and print one Markdown table."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import promises
from bench.load import LoadError
from bench.session import FULL, QUICK, bench
from stack.errors import StackError
from stack.progress import Progress, complain


def main() -> int:
    """Run the benchmark; one clear line and status 1 on failure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: its figures mean nothing")
    parser.add_argument("--alone", action="store_true", help="Tessera without oidc-provider, where there is no Node.js")
    parser.add_argument("--promises", action="store_true", help="count statements and network calls instead")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    try:
        with _folders() as (ours, theirs):
            if arguments.promises:
                print(promises.check(ours, Progress()))
            else:
                plan = QUICK if arguments.quick else FULL
                print(bench(plan, ours, None if arguments.alone else theirs, Progress()))
    except StackError as error:
        complain(error)
        return 1
    except LoadError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _leave(number: int, _frame: object) -> None:
    """End by an exception, so that what was started is stopped and the folders are removed."""
    sys.exit(128 + number)


@contextmanager
def _folders() -> Iterator[tuple[Path, Path]]:
    """A folder for each server, removed in the end."""
    with (
        tempfile.TemporaryDirectory(prefix="tessera-bench-") as ours,
        tempfile.TemporaryDirectory(prefix="oidc-provider-bench-") as theirs,
    ):
        yield Path(ours), Path(theirs)


if __name__ == "__main__":
    sys.exit(main())

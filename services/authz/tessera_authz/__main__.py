"""`python -m tessera_authz --config configs/authz.yml` serves; with a command after it, an operator's command runs."""

import sys

from tessera_authz.startup import run
from tessera_shared.launch import is_command, launch


def main() -> int:
    """Serve, or run a command; returns the exit status."""
    if not is_command(sys.argv[1:]):
        return launch("authz", run)
    # what commands need is not loaded by a service that serves
    from tessera_authz.commands import main as run_command  # noqa: PLC0415

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tessera_idp --config configs/idp.yml` serves; with a command after it, an operator's command runs."""

import sys

from tessera_shared.launch import is_command, launch


def main() -> int:
    """Serve, or run a command; returns the exit status."""
    # each of the two loads only what it needs
    if is_command(sys.argv[1:]):
        from tessera_idp.commands import main as run_command  # noqa: PLC0415

        return run_command(sys.argv[1:])
    from tessera_idp.startup import run  # noqa: PLC0415

    return launch("idp", run)


if __name__ == "__main__":
    sys.exit(main())

"""Commands for operators of the identity provider: the registry of things, each with its verbs."""

from collections.abc import Mapping, Sequence

from tessera_idp.commands import factors, master_key, sessions, users
from tessera_idp.commands.work import open_work
from tessera_shared.command_line import Group
from tessera_shared.command_line import run as run_command

GROUPS: Mapping[str, Group] = {
    "users": users.GROUP,
    "sessions": sessions.GROUP,
    "factors": factors.GROUP,
    "master-key": master_key.GROUP,
}


def main(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit status."""
    return run_command("idp", GROUPS, open_work, arguments)

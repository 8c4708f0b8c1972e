"""Commands for operators of the authorization server: the registry of things, each with its verbs."""

from collections.abc import Mapping, Sequence

from tessera_authz.commands import clients, grants, initial_access_tokens, keys, logouts, master_key, scopes, secrets
from tessera_authz.commands.work import open_work
from tessera_shared.command_line import Group
from tessera_shared.command_line import run as run_command

GROUPS: Mapping[str, Group] = {
    "clients": clients.GROUP,
    "secrets": secrets.GROUP,
    "scopes": scopes.GROUP,
    "initial-access-tokens": initial_access_tokens.GROUP,
    "grants": grants.GROUP,
    "keys": keys.GROUP,
    "logouts": logouts.GROUP,
    "master-key": master_key.GROUP,
}


def main(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit status."""
    return run_command("authz", GROUPS, open_work, arguments)

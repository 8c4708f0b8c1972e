"""The user that PostgreSQL runs as: it refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.errors import StackError

__all__ = ["Account", "for_postgres"]

UNSHARE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
"""Root, seen from inside as nobody: for folders and programs that only root can reach."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group a process runs as; none means the caller's own. `prefix` stands before its command."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()

    def options(self) -> dict[str, Any]:
        """The keyword arguments that `subprocess` needs for it."""
        if self.uid is None or self.prefix:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, folder: Path) -> None:
        """Make this account the owner of a folder and all below it."""
        if self.uid is None or self.gid is None:
            return
        for path in (folder, *folder.rglob("*")):
            if path.lstat().st_uid != self.uid:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)


def for_postgres(program: Path, folder: Path) -> Account:
    """Choose who runs `program` on data in `folder`, and give them the folder.

    Raises:
        StackError: Root cannot become anybody who reaches both.

    """
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    for account in (Account(nobody.pw_uid, nobody.pw_gid), Account(0, 0, UNSHARE)):
        account.give(folder)
        if _can_use(account, program, folder):
            return account
    raise StackError(
        f"PostgreSQL refuses to run as root, and the user nobody cannot reach {program} and {folder}; "
        "run the stack as an ordinary user, or from a folder that everybody may enter"
    )


def _can_use(account: Account, program: Path, folder: Path) -> bool:
    if account.prefix and not shutil.which(account.prefix[0]):
        return False
    command = [*account.prefix, "sh", "-c", 'cd "$0" && exec "$1" --version', str(folder), str(program)]
    return subprocess.run(command, capture_output=True, check=False, **account.options()).returncode == 0

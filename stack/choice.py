"""Which stack this machine can run, and why."""

import shutil
import subprocess
from dataclasses import dataclass
from typing import Literal

__all__ = ["Choice", "Kind", "choose"]

Kind = Literal["compose", "embedded"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The stack to run and the reason, as a user reads it."""

    kind: Kind
    reason: str


def choose(wish: str = "auto") -> Choice:
    """Compose where a Docker engine answers and its Compose plug-in is there, else embedded; a wish goes first."""
    if wish == "compose":
        return Choice("compose", "as asked for")
    if wish == "embedded":
        return Choice("embedded", "as asked for")
    if not shutil.which("docker"):
        return Choice("embedded", "there is no docker command on this machine")
    engine = _answer("docker", "info", "--format", "{{.ServerVersion}}")
    if not engine:
        return Choice("embedded", "the Docker engine does not answer")
    compose = _answer("docker", "compose", "version", "--short")
    if not compose:
        return Choice("embedded", f"Docker {engine} answers, but has no Compose plug-in")
    return Choice("compose", f"Docker {engine} answers and Compose {compose} is there")


def _answer(*command: str) -> str:
    """What the command prints; empty when it fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

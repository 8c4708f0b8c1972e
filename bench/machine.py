"""What the benchmark asks of Linux: which cores to run on, and what a process costs in memory and processor time."""

import os
import platform
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Usage", "describe", "generator_core", "on", "processor_seconds", "resident", "server_core", "tree"]

Usage = dict[str, int]
"""Bytes by the name of what uses them."""

_PROC = Path("/proc")


def server_core() -> set[int]:
    """The core of the servers and their databases: the last one that this process may use."""
    return {max(os.sched_getaffinity(0))}


def generator_core() -> set[int]:
    """The core of the load generator: the first one; the servers' own where there is but one."""
    return {min(os.sched_getaffinity(0))}


@contextmanager
def on(cores: Collection[int]) -> Iterator[None]:
    """Run on these cores; what is started meanwhile stays on them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def tree(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def processor_seconds(pid: int) -> float:
    """Processor time in seconds that the process and its descendants have used, in user and kernel mode."""
    ticks = sum(int(fields[11]) + int(fields[12]) for each in tree(pid) if (fields := _stat(each)))
    return ticks / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Memory in bytes: the proportional set size of the process and its descendants, so that shared pages count once.

    PostgreSQL's processes share their buffers; for a single process this is nearly its resident set size.
    """
    return sum(_proportional(each) for each in tree(pid))


def describe() -> str:
    """The machine in one line."""
    cpuinfo = (_PROC / "cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    model = next((line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")), "unknown")
    cores = len(os.sched_getaffinity(0))
    return f"{platform.system()} {platform.machine()}, {cores} cores ({model}), Python {platform.python_version()}"


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (proc_pid_stat(5) counts it as the third); empty if it is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def _proportional(pid: int) -> int:
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)

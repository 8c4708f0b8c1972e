"""Evidence for what the design promises of its hot paths: `python -m bench --promises`.

Statements are counted in PostgreSQL's own log. That nothing is asked over the network is shown by stopping the
processes that could be asked (SIGSTOP): a request that needed one of them would not be answered.
"""

import asyncio
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from argon2 import PasswordHasher

from bench import machine, tessera
from bench.contender import CLIENT_CREDENTIALS, INTROSPECTION, REFRESH
from bench.load import Script, run
from stack.embedded import EmbeddedStack
from stack.progress import Progress

__all__ = ["check", "statements"]

_SECONDS = 1.0
"""Of each run: less than the 3 s for which a view of the revocations counts as current."""
_CONNECTIONS = 8
_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d .*?LOG:  (?:statement: |execute [^:]+: )", re.MULTILINE)
_TABLE = re.compile(r"\b(?:authz|idp|keys|revocation|audit|public)\.\w+")
_END_OF_ENTRY = re.compile(r"\n\d{4}-\d\d-\d\d ")


def check(folder: Path, progress: Progress) -> str:
    """Run a stack in `folder` with every statement logged; returns two Markdown tables.

    Raises:
        LoadError: A request was not answered 200, such as one that needed a stopped process.

    """
    progress("starting Tessera's stack")
    with tessera.started(folder) as stack:
        asyncio.run(_log_statements(stack))
        stack.stop("authz", "rs")
        stack.start("authz", "rs")
        progress("logging users in")
        with _logged(stack) as log:
            scripts = tessera.contender(stack, _CONNECTIONS, 100).prepare()
        logins = _lines("authorization_code, from login to tokens", _CONNECTIONS, log)
        resource = tessera.resource_scripts(stack, tessera.jwts(stack, 100), _CONNECTIONS, once=False)
        authz, rs = tessera.target(stack).address, ("127.0.0.1", stack.ports.rs)
        progress("counting statements")
        loads = [(name, authz, scripts[name]) for name in (CLIENT_CREDENTIALS, INTROSPECTION, REFRESH)]
        loads.append(("rs /resource", rs, resource))
        counted = [*logins, *(line for load in loads for line in _count(stack, *load))]
        progress("stopping what could be asked")
        frozen = [
            _without(stack, ("postgres", "redis"), "authz", *loads[0]),
            _without(stack, ("postgres", "redis"), "authz", *loads[1]),
            _without(stack, ("postgres", "redis", "authz", "idp"), "rs", *loads[3]),
        ]
    return "\n".join([*_STATEMENTS_HEAD, *counted, "", *_FROZEN_HEAD, *frozen, "", _argon2()])


_STATEMENTS_HEAD = (
    "| workload | requests | statements | per request | statement |",
    "| --- | ---: | ---: | ---: | --- |",
)
_FROZEN_HEAD = (
    "| workload | stopped meanwhile | requests answered 200 | processor µs/request |",
    "| --- | --- | ---: | ---: |",
)


def statements(log: str) -> Counter[str]:
    """The statements of a stretch of PostgreSQL's log, by their verb and the tables they name."""
    found: Counter[str] = Counter()
    for entry in _ENTRY.finditer(log):
        end = _END_OF_ENTRY.search(log, entry.end())
        sql = log[entry.end() : end.start() if end else len(log)].strip()
        verb = sql.split(None, 1)[0] if sql else ""
        tables = dict.fromkeys(_TABLE.findall(sql))
        found[" ".join((verb, *tables))] += 1
    return found


async def _log_statements(stack: EmbeddedStack) -> None:
    """For the services' sessions that begin from now on."""
    owner = await asyncpg.connect(stack.servers.dsn())
    try:
        for role in ("tessera_authz", "tessera_idp", "tessera_rs"):
            await owner.execute(f"ALTER ROLE {role} SET log_statement = 'all'")
    finally:
        await owner.close()


def _count(stack: EmbeddedStack, name: str, address: tuple[str, int], scripts: Sequence[Script]) -> list[str]:
    """The statements of one load; the first request of a process may read what the others find in memory."""
    with machine.on(machine.generator_core()):
        run(address, scripts, _SECONDS)
        with _logged(stack) as log:
            requests = len(run(address, scripts, _SECONDS).latencies)
    return _lines(name, requests, log)


@contextmanager
def _logged(stack: EmbeddedStack) -> Iterator[list[str]]:
    """Afterwards the list holds what PostgreSQL logged meanwhile."""
    path = stack.logs / "postgres.log"
    before = path.stat().st_size
    written: list[str] = []
    yield written
    time.sleep(0.2)  # until the log is written
    with path.open(encoding="utf-8", errors="replace") as file:
        file.seek(before)
        written.append(file.read())


def _lines(name: str, requests: int, log: Sequence[str]) -> list[str]:
    """A line for each kind of statement; among them are those of the background, a few each second."""
    found = statements("".join(log)).most_common()
    return [f"| {name} | {requests} | {count} | {count / requests:.3f} | {kind} |" for kind, count in found]


def _without(
    stack: EmbeddedStack,
    stopped: Sequence[str],
    service: str,
    name: str,
    address: tuple[str, int],
    scripts: Sequence[Script],
) -> str:
    pid = stack.processes[service].pid or 0
    with machine.on(machine.generator_core()):
        run(address, scripts, _SECONDS)
        before = machine.processor_seconds(pid)
        with _stopped([stack.processes[each].pid or 0 for each in stopped]):
            requests = len(run(address, scripts, _SECONDS).latencies)
        used = machine.processor_seconds(pid) - before
    return f"| {name} | {', '.join(stopped)} | {requests} | {used / requests * 1e6:.0f} |"


@contextmanager
def _stopped(pids: Sequence[int]) -> Iterator[None]:
    """Let these processes and their descendants stand still."""
    everything = [each for pid in pids for each in machine.tree(pid)]
    try:
        for pid in everything:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in everything:
            os.kill(pid, signal.SIGCONT)


def _argon2() -> str:
    """What one verification would cost, with the parameters that authz uses."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    stored = hasher.hash("secret")
    before = time.process_time()
    for _ in range(5):
        hasher.verify(stored, "secret")
    return f"One Argon2id verification costs {(time.process_time() - before) / 5 * 1e6:,.0f} µs here."

"""One benchmark session: both servers up, memory idle, load in turns, memory again, starts."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import machine, oidc_provider, tessera, traffic
from bench.comparison import Lane, alternate, figures, ratios
from bench.contender import CLIENT_CREDENTIALS, INTROSPECTION, REFRESH, Contender
from bench.load import Script
from bench.report import Costs, Row, table
from bench.start_up import seconds_until_open
from stack.embedded import EmbeddedStack
from stack.ports import free_port
from stack.progress import Progress

__all__ = ["FULL", "QUICK", "Plan", "bench"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; times in seconds."""

    rounds: int
    seconds: float
    warm_up: float
    settle: float
    """After a start, before memory counts as idle."""
    connections: int
    tokens: int
    unseen: int
    """How many tokens there are where each is to be new: more than the services remember (10,000)."""
    starts: int


FULL = Plan(rounds=5, seconds=3.0, warm_up=3.0, settle=2.0, connections=16, tokens=100, unseen=12_000, starts=3)
QUICK = Plan(rounds=1, seconds=0.2, warm_up=0.1, settle=0.2, connections=4, tokens=10, unseen=200, starts=1)


def bench(plan: Plan, ours: Path, theirs: Path | None, progress: Progress) -> str:
    """Measure and return the report as Markdown.

    Args:
        plan: How much.
        ours: A folder for Tessera's stack.
        theirs: A folder for oidc-provider, or None to measure Tessera alone.
        progress: Is told each step.

    Raises:
        LoadError: A server did not answer as it must.
        StackError: A server did not start.

    """
    with ExitStack() as running:
        if theirs is not None:
            progress("installing oidc-provider")
            oidc_provider.install()
        progress("starting Tessera's stack" + (" and oidc-provider" if theirs else ""))
        stack = running.enter_context(tessera.started(ours))
        contenders = [tessera.contender(stack, plan.connections, plan.tokens)]
        if theirs is not None:
            contenders.append(
                running.enter_context(oidc_provider.started(theirs, plan.connections, plan.tokens)),
            )
        time.sleep(plan.settle)
        idle = _memory(stack, contenders)
        progress("logging users in")
        scripts = [contender.prepare() for contender in contenders]
        rows = _compared(plan, contenders, scripts, progress)
        rows += _ours_alone(plan, stack, progress)
        loaded = _memory(stack, contenders)
        progress("starting each server again")
        starts = {c.name: [c.restart() for _ in range(plan.starts)] for c in contenders}
        progress("measuring the load generator")
        return "\n\n".join(
            (
                table(rows, Costs(idle, loaded, starts)),
                _conditions(plan, f", {oidc_provider.version()}" if theirs else ""),
            )
        )


def _compared(
    plan: Plan,
    contenders: Sequence[Contender],
    scripts: Sequence[Mapping[str, Sequence[Script]]],
    progress: Progress,
) -> list[Row]:
    rows = []
    for workload in (CLIENT_CREDENTIALS, INTROSPECTION, REFRESH):
        progress(workload)
        lanes = [
            Lane(contender.name, contender.address, own[workload], contender.everything)
            for contender, own in zip(contenders, scripts, strict=True)
        ]
        taken = alternate(lanes, rounds=plan.rounds, seconds=plan.seconds, warm_up=plan.warm_up)
        if len(taken) == 1:
            rows.append(Row(workload, figures(taken[0])))
        else:
            rows.append(Row(workload, figures(taken[0]), figures(taken[1]), ratios(*taken)))
    return rows


def _ours_alone(plan: Plan, stack: EmbeddedStack, progress: Progress) -> list[Row]:
    """What oidc-provider has no counterpart for: tokens never seen before, and the resource server."""
    progress("tokens that were not seen before, and the resource server")
    tokens = tessera.jwts(stack, plan.unseen)
    few = tokens[: plan.tokens]
    pid = {name: stack.processes[name].pid or 0 for name in ("authz", "rs")}
    resource = ("127.0.0.1", stack.ports.rs)
    count = plan.connections
    lanes = [
        Lane(
            "introspection, each token new",
            tessera.target(stack).address,
            tessera.introspection_scripts(stack, tokens, count),
            lambda: [pid["authz"]],
        ),
        Lane("rs /resource", resource, tessera.resource_scripts(stack, few, count, once=False), lambda: [pid["rs"]]),
        Lane(
            "rs /resource, each token new",
            resource,
            tessera.resource_scripts(stack, tokens, count, once=True),
            lambda: [pid["rs"]],
        ),
    ]
    taken = alternate(lanes, rounds=plan.rounds, seconds=plan.seconds, warm_up=plan.warm_up)
    return [Row(lane.name, figures(rounds)) for lane, rounds in zip(lanes, taken, strict=True)]


def _memory(stack: EmbeddedStack, contenders: Sequence[Contender]) -> dict[str, int]:
    used = {contender.name: machine.resident(contender.service()) for contender in contenders}
    used["stack"] = sum(machine.resident(process.pid or 0) for process in stack.processes.values())
    return used


def _conditions(plan: Plan, other: str) -> str:
    """On what, how, and how fast the generator itself is."""
    sampled = f"{plan.rounds} rounds of {plan.seconds:g} s in turns, medians"
    cores = f"servers with their databases on core {_names(machine.server_core())}"
    generator = f"load generator on core {_names(machine.generator_core())}"
    lines = [
        f"- {machine.describe()}{other}",
        f"- {plan.connections} connections, one request in flight on each; {sampled}; in brackets a round's extremes",
        f"- {cores}, {generator}; against a server that does nothing it makes {_ceiling(plan):,.0f} requests/s",
    ]
    return "\n".join(lines)


def _names(cores: set[int]) -> str:
    return ", ".join(map(str, sorted(cores)))


def _ceiling(plan: Plan) -> float:
    """Requests per second of the generator against a server that does nothing."""
    with _idle_server() as port:
        lane = Lane("nothing", ("127.0.0.1", port), [traffic.repeating([_ANY])] * plan.connections, list)
        return figures(alternate([lane], rounds=3, seconds=plan.seconds / 2, warm_up=plan.warm_up / 3)[0]).rate


_ANY = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"


@contextmanager
def _idle_server() -> Iterator[int]:
    port = free_port()
    with machine.on(machine.server_core()):
        server = subprocess.Popen([sys.executable, "-m", "bench.ceiling", str(port)])
    try:
        seconds_until_open(port)
        yield port
    finally:
        server.kill()
        server.wait()

"""The alternating run: each workload against each server in turn, several rounds, and the medians of what was seen."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench import machine
from bench.load import Measurement, Script, run

__all__ = ["Figures", "Lane", "Round", "alternate", "figures", "ratios"]


@dataclass(frozen=True, slots=True)
class Lane:
    """One server under one workload."""

    name: str
    address: tuple[str, int]
    scripts: Sequence[Script]
    processes: Callable[[], Sequence[int]]
    """The process ids whose processor time counts."""


@dataclass(frozen=True, slots=True)
class Round:
    """One run of one lane, and the processor time in seconds that its servers used meanwhile."""

    load: Measurement
    processor: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over a lane's rounds: requests per second, seconds, processor seconds per request."""

    rate: float
    p50: float
    p95: float
    processor: float


def alternate(lanes: Sequence[Lane], *, rounds: int, seconds: float, warm_up: float) -> list[list[Round]]:
    """Run A, B, A, B, …: what the machine does beside the benchmark then falls on both.

    Returns:
        Each lane's rounds, in the order of `lanes`.

    """
    taken: list[list[Round]] = [[] for _ in lanes]
    with machine.on(machine.generator_core()):
        for lane in lanes:
            run(lane.address, lane.scripts, warm_up)
        for _round in range(rounds):
            for lane, own in zip(lanes, taken, strict=True):
                own.append(_measure(lane, seconds))
    return taken


def figures(rounds: Sequence[Round]) -> Figures:
    """The medians of a lane's rounds."""
    return Figures(
        rate=median(each.load.rate for each in rounds),
        p50=median(each.load.percentile(50) for each in rounds),
        p95=median(each.load.percentile(95) for each in rounds),
        processor=median(each.processor / len(each.load.latencies) for each in rounds),
    )


def ratios(ours: Sequence[Round], theirs: Sequence[Round]) -> list[float]:
    """Requests per second of ours over theirs, round by round, sorted."""
    return sorted(our.load.rate / their.load.rate for our, their in zip(ours, theirs, strict=True))


def _measure(lane: Lane, seconds: float) -> Round:
    gc.collect()
    gc.disable()  # the generator's own pauses must not look like the server's
    try:
        before = sum(machine.processor_seconds(pid) for pid in lane.processes())
        load = run(lane.address, lane.scripts, seconds)
        used = sum(machine.processor_seconds(pid) for pid in lane.processes()) - before
    finally:
        gc.enable()
    time.sleep(0.05)  # what was put off until after the last answer is not the other server's
    return Round(load, used)

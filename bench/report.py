"""The figures as one Markdown table, and what they were taken on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.comparison import Figures

__all__ = ["Costs", "Row", "table"]


@dataclass(frozen=True, slots=True)
class Row:
    """One workload: our figures, theirs, and the ratios of requests per second, sorted; without theirs for ours alone.

    Attributes:
        workload: Its name.
        ours: Tessera's figures.
        theirs: oidc-provider's.
        ratios: Round by round.

    """

    workload: str
    ours: Figures
    theirs: Figures | None = None
    ratios: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Costs:
    """Bytes of memory before and after load, and seconds of each start, by the name of what was measured."""

    idle: Mapping[str, int]
    loaded: Mapping[str, int]
    starts: Mapping[str, Sequence[float]]


def table(rows: Sequence[Row], costs: Costs) -> str:
    """One Markdown table."""
    lines = ["| | measure | Tessera | oidc-provider | Tessera / oidc-provider |", "| --- | --- | ---: | ---: | ---: |"]
    for row in rows:
        lines += _workload(row)
    lines += _costs(costs)
    return "\n".join(lines)


def _workload(row: Row) -> list[str]:
    ratio = f"**{median(row.ratios):.2f}** ({row.ratios[0]:.2f} to {row.ratios[-1]:.2f})" if row.ratios else ""
    ours, theirs = row.ours, row.theirs
    shown = (
        ("requests/s", f"{ours.rate:,.0f}", f"{theirs.rate:,.0f}" if theirs else "", ratio),
        ("p50 / p95, ms", _latencies(ours), _latencies(theirs) if theirs else "", ""),
        (
            "processor µs/request",
            f"{ours.processor * 1e6:,.0f}",
            f"{theirs.processor * 1e6:,.0f}" if theirs else "",
            f"{ours.processor / theirs.processor:.2f}" if theirs and theirs.processor else "",
        ),
    )
    return [
        _line(row.workload if first else "", *cells) for first, cells in zip((True, False, False), shown, strict=True)
    ]


def _latencies(figures: Figures) -> str:
    return f"{figures.p50 * 1e3:.2f} / {figures.p95 * 1e3:.2f}"


def _costs(costs: Costs) -> list[str]:
    lines = []
    for first, (measure, memory) in enumerate((("idle, MB", costs.idle), ("after load, MB", costs.loaded))):
        ours, theirs = memory["Tessera"], memory.get("oidc-provider")
        shown = f"{ours / 1e6:.0f} (all of the stack {memory['stack'] / 1e6:.0f})"
        lines.append(_line("" if first else "memory", measure, shown, *_beside(ours, theirs, 1e6, ".0f")))
    starts = {name: median(taken) for name, taken in costs.starts.items()}
    ours_takes, theirs_takes = starts["Tessera"], starts.get("oidc-provider")
    beside = _beside(ours_takes, theirs_takes, 1, ".2f")
    return [*lines, _line("start-up", "until it answers, s", f"{ours_takes:.2f}", *beside)]


def _beside(ours: float, theirs: float | None, unit: float, style: str) -> tuple[str, str]:
    return (f"{theirs / unit:{style}}", f"{ours / theirs:.2f}") if theirs else ("", "")


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"

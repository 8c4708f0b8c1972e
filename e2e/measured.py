"""What the services themselves executed while the tests used them from outside."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage
from coverage.exceptions import CoverageException

from e2e.clients import ROOT

FOLDER = ROOT / "artifacts" / "coverage"
WANTED = 0.85
"""The share of the handlers' lines that the whole suite must execute (P6.00)."""
_HANDLERS = {"endpoints", "grants", "client_auth", "tokens", "response_modes", "login_methods"}


@dataclass(frozen=True, slots=True)
class Share:
    """Lines executed, of all there are, in some files; and the lines that were not, by file."""

    executed: int
    lines: int
    missing: dict[str, list[int]]

    @property
    def ratio(self) -> float:
        """Between 0 and 1."""
        return self.executed / self.lines if self.lines else 0.0

    def __str__(self) -> str:
        return f"{self.ratio:.1%} ({self.executed} of {self.lines} lines)"


@dataclass(frozen=True, slots=True)
class Measured:
    """The shares of everything, and of the OAuth handlers."""

    everything: Share
    handlers: Share


def forget() -> None:
    """Remove what earlier sessions measured."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob(".coverage*"):
        path.unlink()


def collect() -> Measured | None:
    """Combine what the processes wrote when they stopped; None where nothing was measured."""
    coverage = Coverage(data_file=str(FOLDER / ".coverage"), config_file=str(ROOT / "pyproject.toml"))
    try:
        coverage.combine([str(FOLDER)], strict=True, keep=True)
    except CoverageException:
        return None
    files = {path: _lines_of(coverage, path) for path in _files()}
    coverage.html_report(directory=str(FOLDER / "html"), ignore_errors=True)
    return Measured(_share(files), _share({path: lines for path, lines in files.items() if _is_handler(path)}))


def _files() -> Iterator[Path]:
    """Every module that ships in a service or in shared, executed or not."""
    for package in (ROOT / "shared" / "tessera_shared", *sorted((ROOT / "services").glob("*/tessera_*"))):
        yield from (path for path in sorted(package.rglob("*.py")) if path.stat().st_size)


def _lines_of(coverage: Coverage, path: Path) -> tuple[int, list[int]]:
    _, statements, _, missing, _ = coverage.analysis2(str(path))
    return len(statements), missing


def _share(files: dict[Path, tuple[int, list[int]]]) -> Share:
    lines = sum(count for count, _ in files.values())
    missing = {str(path.relative_to(ROOT)): lines for path, (_, lines) in files.items() if lines}
    return Share(lines - sum(len(found) for found in missing.values()), lines, missing)


def _is_handler(path: Path) -> bool:
    return "services" in path.parts and bool(_HANDLERS & set(path.parts))

"""docs/specs.md tells the truth: its modules and tests exist, and every RFC section that the code cites has a row."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_HEADING = re.compile(r"## (?P<specification>RFC \d+|[A-Z][^:(]*)")
_LINKS = r"\[[^\]]+\]\(\.\./(?P<module>[^)]+)\) \| \[(?P<test>[^\]]+)\]\(\.\./(?P<file>[^)]+)\)"
_ROW = re.compile(r"\| (?P<section>[^|]*§\S+) \| [^|]+ \| " + _LINKS + r" \|")
_CITED = re.compile(r'section(?:: str)? ?= ?"(?P<sections>[^"]+)"')
_RFC = re.compile(r"(?P<rfc>RFC \d+)(?: (?P<section>§[0-9A-Z.]*[0-9A-Z]))?")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    specification: str
    section: str
    module: str
    file: str
    test: str


def rows() -> Iterator[Row]:
    specification = ""
    for line in (ROOT / "docs" / "specs.md").read_text(encoding="utf-8").splitlines():
        if found := _HEADING.match(line):
            specification = found["specification"].strip()
        elif line.startswith("| ") and not line.startswith(("| section", "| ---")):
            row = _ROW.fullmatch(line)
            assert row, f"not | §1 | what | [idp: module.py](../path) | [the test in words](../path) |: {line}"
            named, _, section = row["section"].rpartition(" ")
            name = f"test_{row['test'].replace(' ', '_')}"
            yield Row(named or specification, section, row["module"], row["file"], name)


def cited() -> Iterator[tuple[str, str, str]]:
    """RFC, section (empty where none is named) and module of each citation by `section=`."""
    for path in (*ROOT.glob("shared/tessera_shared/**/*.py"), *ROOT.glob("services/*/tessera_*/**/*.py")):
        for citation in _CITED.finditer(path.read_text(encoding="utf-8")):
            for found in _RFC.finditer(citation["sections"]):
                yield found["rfc"], found["section"] or "", str(path.relative_to(ROOT))


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_module_of_the_table_exists() -> None:
    assert [row for row in rows() if not (ROOT / row.module).is_file()] == []


def test_every_test_of_the_table_exists() -> None:
    there = {path: functions(ROOT / path) for path in {row.file for row in rows()}}
    assert [row for row in rows() if row.test not in there[row.file]] == []


def test_every_rfc_section_that_the_code_cites_has_a_row() -> None:
    """A row for a section speaks for its subsections; a citation without a section needs any row of its RFC."""
    told = {(row.specification, row.section) for row in rows()} | {(row.specification, "") for row in rows()}
    missing = {
        f"{rfc} {section} ({module})"
        for rfc, section, module in cited()
        if not any((rfc, above) in told for above in (section, *_above(section)))
    }
    assert missing == set()


def test_the_check_itself_finds_something() -> None:
    assert len(list(rows())) > 100
    assert len(set(cited())) > 50


def _above(section: str) -> Iterator[str]:
    """§4.1.2.1, §4.1.2, §4.1: all but the chapter, which would speak for too much."""
    parts = section.split(".")
    for length in range(len(parts) - 1, 1, -1):
        yield ".".join(parts[:length])

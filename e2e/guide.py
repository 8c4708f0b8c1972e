"""Documents that run: their shell blocks in order, in one shell, and what they print beside what the document shows.

A block in `sh` is run unless a comment before it says why not: `<!-- not run: it asks for a browser -->`. A block in
`text`, `json` or `http` right after it is what it prints; `…` there stands for what differs from run to run, and as a
line of its own for any lines.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(?P<language>[a-z]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"<!-- not run: \S[^>]+ -->\s*\Z")
_SHOWN = ("text", "json", "http")
_MARK = "@@@ block"
_PRELUDE = "set -eu -o pipefail\n"


ROOT = Path(__file__).parent.parent
EXAMPLE_API = "https://api.example.com"
"""The API of docs/protect-an-api.md."""


def example(language: str) -> str:
    """The one block of a language in docs/protect-an-api.md."""
    text = (ROOT / "docs" / "protect-an-api.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(block)


@dataclass(frozen=True, slots=True)
class Block:
    """Commands of a document, the line they begin in, and what the document shows as their output."""

    line: int
    commands: str
    shown: str | None


@dataclass(frozen=True, slots=True)
class Printed:
    """A block that was run, and what it printed."""

    block: Block
    output: str

    @property
    def is_as_shown(self) -> bool:
        """Whether the document shows this output, or none."""
        return self.block.shown is None or matches(self.block.shown, self.output)


def blocks(document: str) -> list[Block]:
    """The blocks that are to be run."""
    fences = list(_FENCE.finditer(document))
    found = []
    for fence, following in zip(fences, [*fences[1:], None], strict=True):
        if fence["language"] != "sh" or _NOT_RUN.search(document[: fence.start()]):
            continue
        is_shown = (
            following is not None
            and following["language"] in _SHOWN
            and not document[fence.end() : following.start()].strip()
        )
        line = document.count("\n", 0, fence.start()) + 1
        found.append(Block(line, fence["text"], following["text"] if is_shown and following else None))
    return found


def run(document: str, folder: Path, here: Mapping[str, str]) -> list[Printed]:
    """Run a document's blocks in a folder; `here` replaces what stands in the document, such as ports."""
    wanted = blocks(document)
    script = _PRELUDE + "".join(f"echo; echo '{_MARK} {block.line}'\n{block.commands}" for block in wanted)
    for written, actual in here.items():
        script = script.replace(written, actual)
    command = ["bash", "-c", script]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"a block did not end; so far: {(late.stdout or b'')[-500:]!r}") from late
    parts = re.split(rf"^{_MARK} (\d+)\n", done.stdout, flags=re.MULTILINE)[1:]
    printed = dict(zip(map(int, parts[::2]), parts[1::2], strict=True))
    last = max(printed, default=0)
    assert done.returncode == 0, (
        f"the block of line {last} ended with {done.returncode}: {done.stderr}{printed.get(last)}"
    )
    for written, actual in here.items():
        printed = {line: output.replace(actual, written) for line, output in printed.items()}
    return [Printed(block, printed[block.line].strip()) for block in wanted]


def matches(shown: str, output: str) -> bool:
    """Whether this is what is shown, apart from space at line ends and what `…` stands for."""
    lines = (
        "(?s:.+?)" if line.strip() == "…" else re.escape(line.rstrip()).replace("…", ".*?")
        for line in shown.strip().splitlines()
    )
    return re.fullmatch("\n".join(lines), "\n".join(line.rstrip() for line in output.strip().splitlines())) is not None

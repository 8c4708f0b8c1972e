"""The documents lead somewhere: their links and anchors, and the modules and tests that their tables name."""

import re
from collections.abc import Iterator
from pathlib import Path

from stack.tests.test_specs import ROOT, functions

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_OTHER_SITE = re.compile(r"[a-z]+:")


def documents() -> list[Path]:
    return [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def links(document: Path) -> Iterator[tuple[str, str]]:
    """Text and target of each link to another place of the repository."""
    for found in _LINK.finditer(_FENCE.sub("", document.read_text(encoding="utf-8"))):
        if not _OTHER_SITE.match(found["target"]):
            yield found["text"], found["target"]


def anchors(markdown: str) -> set[str]:
    """What a link can name after `#`: the headings as GitHub writes them."""
    headings = (_LINK.sub(r"\g<text>", heading) for heading in _HEADING.findall(_FENCE.sub("", markdown)))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def dead(document: Path) -> Iterator[str]:
    for _, target in links(document):
        path, _, anchor = target.partition("#")
        place = document.parent / path if path else document
        if not place.exists() or (anchor and anchor not in anchors(place.read_text(encoding="utf-8"))):
            yield f"{document.relative_to(ROOT)}: {target}"


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    assert sum(len(list(links(document))) for document in documents()) > 100
    assert [line for document in documents() for line in dead(document)] == []


def test_every_document_is_linked_from_another() -> None:
    targets = [(page.parent, target.partition("#")[0]) for page in documents() for _, target in links(page)]
    linked = {(folder / path).resolve() for folder, path in targets}
    assert [page.name for page in ROOT.glob("docs/*.md") if page.resolve() not in linked] == []


def test_every_test_that_a_document_names_in_words_exists() -> None:
    """A link to a file of tests says the test: `[a code works once](../e2e/test_x.py)`, or the file's name."""
    named = [
        (document.name, text.strip("`"), document.parent / target)
        for document in documents()
        for text, target in links(document)
        if target.rpartition("/")[2].startswith("test_") and target.endswith(".py")
    ]
    assert len(named) > 300
    there = {path: functions(path) for _, _, path in named}
    assert [
        f"{page}: {text}"
        for page, text, path in named
        if text.rpartition("/")[2] != path.name and f"test_{text.replace(' ', '_')}" not in there[path]
    ] == []


def test_anchors_are_those_of_github() -> None:
    assert anchors("## A token bound to a key: DPoP\n\n```\n# none\n```\n### `make up`, [here](x.md)\n") == {
        "a-token-bound-to-a-key-dpop",
        "make-up-here",
    }

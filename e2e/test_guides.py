"""The documents run: every shell block in order, against the stack, and what it prints is what the document shows."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from e2e.clients import ROOT
from e2e.guide import blocks, matches, run
from e2e.stack import Stack

GUIDES = ("README.md", "docs/demo.md", "docs/mtls.md", "docs/protect-an-api.md")
_SERVICES = ("authz", "idp", "rs")
_MESSAGE = re.compile(r"^\| (?P<message>[A-Z][^|]*\.) \|", re.MULTILINE)
_MOST_LIKELY = 20


@pytest.fixture(scope="session")
def here(stack: Stack) -> Mapping[str, str]:
    """What stands in the documents, and what it is in the stack under test."""
    if stack.control is None:
        pytest.skip("this stack was not started by the tests")
    ports = {"8080": stack.authz, "8081": stack.idp, "8082": stack.rs, "8025": stack.mail}
    operator = shlex.join(stack.control.operator("authz"))
    plain = {f"http://localhost:{port}": url for port, url in ports.items()}
    return {
        **plain,
        **{quote(written, safe=""): quote(actual, safe="") for written, actual in plain.items()},
        "https://localhost:8443": stack.authz_tls,
        "https://localhost:8444": stack.rs_tls,
        ".tessera/certificates": str(stack.control.certificates()),
        'PYTHONPATH=$TESSERA python3 -m stack operate "$@"': f'{operator} "${{@:2}}"',
    }


@pytest.mark.parametrize("guide", GUIDES)
def test_every_block_runs_and_prints_what_is_shown(guide: str, here: Mapping[str, str], tmp_path: Path) -> None:
    printed = run((ROOT / guide).read_text(encoding="utf-8"), tmp_path, here)
    assert printed
    different = {f"{guide}:{one.block.line}": one.output for one in printed if not one.is_as_shown}
    assert different == {}


def test_messages_that_the_guide_explains_are_those_that_are_told() -> None:
    messages = _MESSAGE.findall((ROOT / "docs" / "demo.md").read_text(encoding="utf-8"))
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("shared", *(f"services/{name}" for name in _SERVICES))
        for path in (ROOT / folder).glob("tessera_*/**/*.py")
    )
    assert len(messages) >= _MOST_LIKELY
    assert [message for message in messages if message not in sources] == []


def test_what_is_shown_is_compared_but_for_what_differs_from_run_to_run() -> None:
    assert matches('{"iat":…,"sub":"a"}', '{"iat":17,"sub":"a"}  ')
    assert not matches('{"iat":…,"sub":"a"}', '{"iat":17,"sub":"b"}')
    assert not matches("one", "one\ntwo")


def test_only_blocks_that_say_why_are_left_out() -> None:
    document = "<!-- not run: why -->\n```sh\na\n```\n\n```sh\nb\n```\n\n```text\nshown\n```\n"
    (block,) = blocks(document)
    assert (block.commands, block.shown) == ("b\n", "shown\n")

"""docs/mtls.md runs as it stands there: only ports and the folder of the certificates differ from stack to stack."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from e2e.clients import ROOT
from e2e.stack import Stack

GUIDE = (ROOT / "docs" / "mtls.md").read_text(encoding="utf-8")
VOLATILE = {"exp", "iat", "jti", "cnf", "iss", "aud"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def test_every_command_of_the_guide_answers_what_the_guide_says(stack: Stack, tmp_path: Path) -> None:
    if stack.control is None:
        pytest.skip("this stack was not started by the tests")
    script = "\necho\n".join(blocks("sh"))
    for written, here in (
        (".tessera/certificates", str(stack.control.certificates())),
        ("https://localhost:8443", stack.authz_tls),
        ("https://localhost:8444", stack.rs_tls),
        ("http://localhost:8080", stack.authz),
    ):
        assert written in script
        script = script.replace(written, here)
    command = ["bash", "-eu", "-o", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in re.sub(r"\}\{", "}\n{", done.stdout).splitlines() if line.strip()]
    promised = [json.loads(line) for block in blocks("json") for line in block.splitlines()]
    assert [set(answer) for answer in said] == [set(answer) for answer in promised]
    for answer, promise in zip(said, promised, strict=True):
        assert {k: v for k, v in answer.items() if k not in VOLATILE} == {
            k: v for k, v in promise.items() if k not in VOLATILE
        }

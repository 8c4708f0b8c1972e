"""Each service keeps what its OpenAPI document promises, whatever is sent: generated requests by schemathesis."""

import subprocess
import sys
from pathlib import Path

import pytest

from e2e.clients import DEMO
from e2e.stack import Stack

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]
_SECONDS = 240


def run(url: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Generate requests of every operation, well-formed and not, with a fixed seed."""
    return subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/ui/swagger/doc.json", "--url", url),
            *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "8"),
            *("--seed", "1", "--continue-on-failure", "--no-shrink", "--warnings", "off", "--request-timeout", "20"),
            *options,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("service", ["authz", "idp", "rs"])
def test_answers_are_those_that_the_document_tells(stack: Stack, service: str, tmp_path: Path) -> None:
    done = run(stack.urls[service], tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout


def test_answers_to_an_authenticated_client_are_too(stack: Stack, tmp_path: Path) -> None:
    done = run(stack.authz, tmp_path, "--auth", f"{DEMO.client_id}:{DEMO.secret}", "--include-path-regex", "^/oauth2")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

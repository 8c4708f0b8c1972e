"""docs/protect-an-api.md: each example guards a real API, and takes the right tokens and no others."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from e2e.guide import example
from e2e.interop import node
from e2e.relying_party import RelyingParty, bearer
from e2e.stack import OTHER_RESOURCE, Stack
from stack.ports import free_port

_START_SECONDS = 20
Serve = Callable[[str], str]


@pytest.fixture
def serve(stack: Stack, tmp_path: Path) -> Iterator[Serve]:
    """Runs an example as the page says, and yields its URL."""
    started: list[tuple[subprocess.Popen[bytes], Path]] = []

    def run(language: str) -> str:
        port = free_port()
        environment = {**os.environ, "ISSUER": stack.issuer, "AUDIENCE": OTHER_RESOURCE, "PORT": str(port)}
        if language == "python":
            file, folder = tmp_path / "api.py", tmp_path
            command = [sys.executable, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", "api:app"]
        else:
            node.install()
            file, folder = node.FOLDER / f"example-{port}.mjs", node.FOLDER
            command = ["node", file.name]
        file.write_text(example(language), encoding="utf-8")
        started.append((subprocess.Popen(command, cwd=folder, env=environment), file))
        _wait(f"http://127.0.0.1:{port}/reports")
        return f"http://127.0.0.1:{port}"

    yield run
    for process, file in started:
        process.terminate()
        process.wait(10)
        file.unlink()


@pytest.mark.parametrize("language", ["python", "js"])
def test_example_takes_the_tokens_that_are_for_it_and_no_others(
    language: str, serve: Serve, demo: RelyingParty, http: httpx.Client
) -> None:
    url = f"{serve(language)}/reports"
    right = demo.token("client_credentials", scope="profile", resource=OTHER_RESOURCE).json()["access_token"]
    accepted = http.get(url, headers=bearer(right))
    assert (accepted.status_code, accepted.json()) == (200, {"hello": "client:demo-client"})
    elsewhere = demo.token("client_credentials", scope="profile").json()["access_token"]
    header, payload, signature = right.split(".")
    altered = f"{header}.{payload}.{signature[:-8]}AAAAAAAA"
    for token in (elsewhere, altered, "no-token"):
        refused = http.get(url, headers=bearer(token))
        assert refused.status_code == 401
        assert "bearer" in refused.headers["www-authenticate"].lower()
    narrow = demo.token("client_credentials", scope="email", resource=OTHER_RESOURCE).json()["access_token"]
    assert http.get(url, headers=bearer(narrow)).status_code == 403
    assert http.get(url).status_code == 401


def _wait(url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(url, trust_env=False, timeout=2)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the example does not answer")

"""Which stack `make up` picks, with stand-ins for the docker command; and what it prints at the end."""

import pytest

from stack.choice import choose
from stack.guide import guide
from stack.ports import Ports


def docker(tmp_path, monkeypatch, script):
    command = tmp_path / "docker"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_without_a_docker_command_it_is_embedded(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose().kind == "embedded"
    assert "no docker command" in choose().reason


def test_without_an_engine_it_is_embedded(tmp_path, monkeypatch):
    docker(tmp_path, monkeypatch, "exit 1")
    assert choose().kind == "embedded"
    assert "engine does not answer" in choose().reason


def test_without_compose_it_is_embedded(tmp_path, monkeypatch):
    docker(tmp_path, monkeypatch, '[ "$1" = info ] && echo 99.1')
    assert choose().kind == "embedded"
    assert "no Compose plug-in" in choose().reason


def test_with_both_it_is_compose_and_says_their_versions(tmp_path, monkeypatch):
    docker(tmp_path, monkeypatch, '[ "$1" = info ] && echo 99.1 || echo 5.2')
    assert choose().kind == "compose"
    assert "99.1" in choose().reason
    assert "5.2" in choose().reason


@pytest.mark.parametrize("kind", ["compose", "embedded"])
def test_a_wish_goes_first(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose(kind).kind == kind


def test_guide_has_this_stacks_addresses_and_no_gaps():
    text = guide(Ports(1001, 1002, 1003))
    for expected in ("http://localhost:1001/health", "http://localhost:1003/resource", "demo-client:demo-secret"):
        assert expected in text
    assert "{" not in text
    assert ":8080" not in text

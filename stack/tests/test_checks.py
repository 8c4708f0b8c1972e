"""The checks of the pre-commit set find what they look for, and not themselves."""

from pathlib import Path

import pytest

from stack import checks

BAD = {
    "unfinished": ["# TO" + "DO: later", "raise NotImplemented" + "Error"],
    "secrets": [
        "-----BEGIN EC PRIVATE " + "KEY-----",
        '"d": "' + "a" * 43 + '"',
        "client_secret = '" + "Zm9v" * 8 + "'",
        "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 20,
    ],
    "places": ["see https://py" + "pi.org/simple", "cd /ro" + "ot/.cache", "open('/wo" + "rk/main')"],
}
GOOD = {
    "unfinished": ["the method of a todo list", "XXXXXX"],
    "secrets": ["demo-secret", "password_file: .tessera/secrets/idp/database_password", "-----BEGIN CERTIFICATE-----"],
    "places": ["pip install", "https://example.com/wo" + "rk/x", "workdir: /app", "src/ro" + "ot/x"],
}


@pytest.mark.parametrize(("rule", "line"), [(rule, line) for rule, lines in BAD.items() for line in lines])
def test_finds(tmp_path, rule, line):
    (tmp_path / "file").write_text(f"first\n{line}\n")
    assert [found.split(":")[1] for found in checks.findings(rule, tmp_path / "file")] == ["2"]


@pytest.mark.parametrize(("rule", "line"), [(rule, line) for rule, lines in GOOD.items() for line in lines])
def test_lets_pass(tmp_path, rule, line):
    (tmp_path / "file").write_text(line)
    assert list(checks.findings(rule, tmp_path / "file")) == []


@pytest.mark.parametrize("rule", list(checks.RULES))
def test_does_not_find_itself(rule):
    assert list(checks.findings(rule, Path(checks.__file__))) == []


def test_binary_files_are_skipped(tmp_path):
    (tmp_path / "image").write_bytes(b"\xff\xfe\x00")
    assert list(checks.findings("secrets", tmp_path / "image")) == []

"""Configuration: every mistake names its place, and a secret is never shown."""

from pathlib import Path
from typing import Literal

import pytest

from tessera_shared.config import Section, ServiceConfig, load, read_secret
from tessera_shared.errors import StartupError

YAML = """
listen: {port: 8082}
database: {host: localhost, user: tessera_rs, password_file: secrets/database}
redis: {host: localhost, user: rs, password_file: secrets/redis}
"""


class Deep(Section):
    """A section that may be left out, with a section inside."""

    class Inner(Section):
        """The section inside."""

        level: int = 0

    url: str = "http://localhost"
    inner: Inner = Inner()
    mode: Literal["one", "two"] = "one"


class Config(ServiceConfig):
    """A service's configuration."""

    algorithms: tuple[str, ...] = ("ES256",)
    deep: Deep | None = None


@pytest.fixture
def written(tmp_path):
    def write(text=YAML):
        path = tmp_path / "service.yml"
        path.write_text(text)
        return path

    return write


def refusal(path):
    with pytest.raises(StartupError) as refused:
        load(Config, path, "TESSERA_TEST_")
    message = str(refused.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_file_and_defaults_are_merged(written):
    config = load(Config, written(), "TESSERA_TEST_")
    assert (config.listen.host, config.listen.port, config.database.port) == ("127.0.0.1", 8082, 5432)
    assert config.deep is None


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("LISTEN__PORT", "1234", lambda c: c.listen.port == 1234),
        ("DATABASE__HOST", "db", lambda c: (c.database.host, c.database.user) == ("db", "tessera_rs")),
        ("DATABASE__PASSWORD_FILE", "/run/x", lambda c: c.database.password_file == Path("/run/x")),
        ("ALGORITHMS", '["RS256", "ES256"]', lambda c: c.algorithms == ("RS256", "ES256")),
        ("TRUSTED_PROXIES", '["10.0.0.0/8"]', lambda c: c.trusted_proxies == ("10.0.0.0/8",)),
        ("DEEP__URL", "http://elsewhere", lambda c: c.deep.url == "http://elsewhere"),
        ("DEEP__INNER__LEVEL", "7", lambda c: c.deep.inner.level == 7),
        ("log__level", "debug", lambda c: c.log.level == "debug"),
    ],
)
def test_the_environment_wins_over_the_file_key_by_key(written, monkeypatch, name, value, read):
    monkeypatch.setenv(f"TESSERA_TEST_{name}", value)
    assert read(load(Config, written(), "TESSERA_TEST_"))


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        (YAML + "unknwon: 1\n", "unknwon"),
        (YAML.replace("user: rs,", "user: rs, usre: x,"), "redis.usre"),
        (YAML.replace("{port: 8082}", "{}"), "listen.port"),
        (YAML.replace("{port: 8082}", "{port: many}"), "listen.port"),
        (YAML.replace("{port: 8082}", "{port: 99999}"), "listen.port"),
        (YAML.replace("{port: 8082}", "8082"), "listen"),
        (YAML.replace("host: localhost, user: tessera_rs", "user: tessera_rs"), "database.host"),
        (YAML + "log: {level: loud}\n", "log.level"),
        (YAML + "deep: {inner: {level: x}}\n", "deep.inner.level"),
        (YAML + "trusted_proxies: [10.0.0.1/8]\n", "trusted_proxies"),
        (YAML + "trusted_proxies: [everybody]\n", "trusted_proxies"),
    ],
)
def test_a_mistake_in_the_file_names_its_place(written, changed, place):
    assert place in refusal(written(changed))


@pytest.mark.parametrize(
    "name",
    ["LISTEN__PROT", "LISTN__PORT", "X", "DEEP__URI", "DEEP__INNER__LEVLE", "LISTEN__PORT__X", "ALGORITHMS__0", ""],
)
def test_an_unknown_environment_variable_is_named(written, monkeypatch, name):
    monkeypatch.setenv(f"TESSERA_TEST_{name}", "1")
    assert f"TESSERA_TEST_{name} " in refusal(written())


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("LISTEN__PORT", "many", "listen.port"),
        ("LOG__LEVEL", "loud", "log.level"),
        ("ALGORITHMS", "RS256", "algorithms"),
        ("DEEP__MODE", "three", "deep.mode"),
    ],
)
def test_a_wrong_value_in_the_environment_names_its_place(written, monkeypatch, name, value, place):
    monkeypatch.setenv(f"TESSERA_TEST_{name}", value)
    assert place in refusal(written())


def test_variables_of_another_service_do_not_matter(written, monkeypatch):
    monkeypatch.setenv("TESSERA_OTHER_LISTEN__PROT", "1")
    assert load(Config, written(), "TESSERA_TEST_")


@pytest.mark.parametrize("text", ["", "- a\n- list\n", "just text", "a: [", "a: b: c", "\x00"])
def test_a_file_that_is_no_configuration_is_refused(written, text):
    refusal(written(text))


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "service.yml"
    path.write_bytes(b"listen: {port: 1} # \xff\xfe")
    refusal(path)


def test_a_missing_file_is_named(tmp_path):
    assert "is not there" in refusal(tmp_path / "nothing.yml")


def test_a_configuration_cannot_be_changed(written):
    config = load(Config, written(), "TESSERA_TEST_")
    with pytest.raises(ValueError, match="frozen"):
        config.listen.port = 1


def test_a_secret_is_read_without_its_line_end(tmp_path):
    (tmp_path / "secret").write_text("wonderland\n")
    assert read_secret(tmp_path / "secret") == "wonderland"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_an_empty_or_unreadable_secret_is_refused_by_its_path(tmp_path, content):
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(StartupError, match=r"secret file .*/secret"):
        read_secret(tmp_path / "secret")

"""Start-up (issue 2): a service that cannot do its job does not start; one clear line says why, and the status is 1."""

import base64
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from e2e.clients import ROOT
from e2e.embedded import Embedded
from e2e.relying_party import RelyingParty
from stack.ports import free_port

SERVICES = ("authz", "idp", "rs")
WITH_MASTER_KEY = ("authz", "idp")

StartAlone = Callable[..., str]


@pytest.fixture
def start(embedded: Embedded) -> StartAlone:
    """Starts a service that must not come up, and returns the one line that says why."""

    def run(name: str, settings: Mapping[str, str], config: Path | None = None) -> str:
        prefixed = {f"TESSERA_{name.upper()}_{key}": value for key, value in settings.items()}
        return line_of(name, embedded.start_alone(name, prefixed, config))

    return run


def line_of(name: str, ended: subprocess.CompletedProcess[str]) -> str:
    """The one line; everything else is the log."""
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    *log, last = ended.stderr.splitlines()
    assert last.startswith(f"tessera {name}: "), ended.stderr
    assert not [line for line in log if line.startswith("tessera ")]
    return last


def changed_config(name: str, folder: Path, change: Callable[[str], str]) -> Path:
    """The service's configuration with a change."""
    path = folder / f"{name}.yml"
    path.write_text(change((ROOT / "configs" / f"{name}.yml").read_text(encoding="utf-8")), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", SERVICES)
def test_unreachable_database_is_named(start: StartAlone, name: str) -> None:
    port = free_port()
    assert f"database: tessera_{name}@127.0.0.1:{port}/tessera: " in start(name, {"DATABASE__PORT": str(port)})


def test_wrong_database_password_is_told_without_the_password(start: StartAlone, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("guessed-by-somebody")
    line = start("rs", {"DATABASE__PASSWORD_FILE": str(password)})
    assert "tessera_rs@" in line
    assert "password authentication failed" in line
    assert "guessed-by-somebody" not in line


def test_database_without_the_schema_is_told_with_what_to_run(start: StartAlone) -> None:
    line = start("idp", {"DATABASE__NAME": "postgres"})
    assert "schema: 0001_keys.sql" in line
    assert "python -m tessera_shared.schema --config configs/migrate.yml" in line


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("authz", ""),
        ("authz", "too short"),
        ("authz", base64.b64encode(b"a" * 31).decode()),
        ("idp", base64.b64encode(b"a" * 33).decode()),
        ("idp", "ä" * 32),
    ],
    ids=["empty", "short", "31 bytes", "33 bytes", "umlauts"],
)
def test_broken_master_key_is_told_with_its_file(start: StartAlone, tmp_path: Path, name: str, content: str) -> None:
    key = tmp_path / "master_key"
    key.write_text(content, encoding="utf-8")
    line = start(name, {"KEYS__MASTER_KEY_FILE": str(key)})
    assert str(key) in line
    assert content == "" or content not in line


@pytest.mark.parametrize("name", WITH_MASTER_KEY)
def test_another_master_key_than_the_one_the_keys_were_sealed_with_is_told(
    start: StartAlone, tmp_path: Path, name: str
) -> None:
    key = tmp_path / "master_key"
    key.write_text(base64.urlsafe_b64encode(b"another key, also of 32 bytes...").decode())
    assert "master key" in start(name, {"KEYS__MASTER_KEY_FILE": str(key)})


def test_missing_secret_file_is_named(start: StartAlone, tmp_path: Path) -> None:
    path = tmp_path / "nothing"
    assert str(path) in start("authz", {"REDIS__PASSWORD_FILE": str(path)})


@pytest.mark.parametrize("name", SERVICES)
def test_unknown_configuration_key_is_named(start: StartAlone, tmp_path: Path, name: str) -> None:
    config = changed_config(name, tmp_path, lambda text: text.replace("  port: 54", "  prot: 54", 1))
    line = start(name, {}, config)
    assert "database.prot" in line
    assert str(config) in line


@pytest.mark.parametrize("name", SERVICES)
def test_unknown_environment_variable_is_named(start: StartAlone, name: str) -> None:
    assert f"TESSERA_{name.upper()}_DATABASE__PROT" in start(name, {"DATABASE__PROT": "5432"})


def test_wrong_type_is_told_with_its_place(start: StartAlone) -> None:
    assert "listen.port" in start("authz", {"LISTEN__PORT": "eighty"})
    assert "lifetimes.code_seconds" in start("authz", {"LIFETIMES__CODE_SECONDS": "0"})
    assert "keys.access_token_alg" in start("authz", {"KEYS__ACCESS_TOKEN_ALG": "none"})
    assert "issuer" in start("rs", {"ISSUER": "localhost:8080"})


def test_missing_value_is_told_with_its_place(start: StartAlone, tmp_path: Path) -> None:
    config = changed_config("rs", tmp_path, lambda text: text.replace("access_token_algs: [ES256]", ""))
    assert "access_token_algs" in start("rs", {}, config)


def test_configuration_that_is_no_yaml_or_not_there_is_named(start: StartAlone, tmp_path: Path) -> None:
    config = changed_config("idp", tmp_path, lambda text: f"{text}\n\t- : {{")
    assert str(config) in start("idp", {}, config)
    assert str(tmp_path / "nothing.yml") in start("idp", {}, tmp_path / "nothing.yml")


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that something else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize("name", SERVICES)
def test_port_in_use_is_named(start: StartAlone, taken_port: int, name: str) -> None:
    assert f"listen: 127.0.0.1:{taken_port}: " in start(name, {"LISTEN__PORT": str(taken_port)})


def test_idp_does_not_wait_for_ever_for_keys_that_authz_must_make(start: StartAlone) -> None:
    line = start("idp", {"KEYS__ID_TOKEN_ALG": "PS512", "KEYS__WAIT_SECONDS": "0.5"})
    assert "keys: " in line
    assert "PS512" in line


def test_unreachable_redis_is_said_and_does_not_matter(embedded: Embedded, demo: RelyingParty) -> None:
    port = str(free_port())
    with embedded.authz_replica({"TESSERA_AUTHZ_REDIS__PORT": port}) as replica:
        token = demo.post("/oauth2/v1/token", base=replica, grant_type="client_credentials").json()["access_token"]
        assert demo.resource(token).status_code == 200
        assert len(embedded.log_lines(f"place=authz@127.0.0.1:{port}")) == 1


def test_start_is_one_straight_line_in_the_log(embedded: Embedded) -> None:
    """Keys are there before the port opens, and each is named (P6.01.02); OpenAPI is told too (P6.01.04)."""
    for name in SERVICES:
        log = (embedded.whole.logs / f"{name}.log").read_text(encoding="utf-8")
        steps = ["database connected", "redis connected", "openapi document loaded", "listening"]
        if name != "rs":
            steps.insert(1, "key rotated")
        places = [log.index(step) for step in steps]
        assert places == sorted(places), f"{name}: {steps} at {places}"
    authz = (embedded.whole.logs / "authz.log").read_text(encoding="utf-8")
    started = authz[: authz.index("listening")]
    for use in ("use=sig", "use=enc"):
        assert any("key rotated" in line and "kid=" in line and use in line for line in started.splitlines())


def test_second_start_makes_no_second_client_user_or_key(embedded: Embedded) -> None:
    before = {what: len(embedded.log_lines(what)) for what in ("client created", "demo user made", "key made")}
    assert before["client created"] >= 1
    assert before["demo user made"] == 1
    embedded.stop("authz", "idp")
    embedded.start("authz", "idp")
    assert {what: len(embedded.log_lines(what)) for what in before} == before

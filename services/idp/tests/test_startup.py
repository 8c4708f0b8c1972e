"""The service as it is started: by its entry point, in a process of its own."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from stack.embedded_environment import environment_of
from stack.ports import Ports

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "tessera_idp", "--config", str(ROOT / "configs" / "idp.yml")]


@pytest.fixture
def start(idp, data_servers):
    """Starts the service with changes to its environment; ends it with the test."""
    assert idp.ring.keys  # made by the fixture, as authz does before idp starts
    ports = Ports.free()
    started = []

    def start_with(**changes: str):
        environment = {**os.environ, **environment_of("idp", ports, data_servers), "TESSERA_IDP_LOG__FORMAT": "json"}
        environment |= {f"TESSERA_IDP_{name}": value for name, value in changes.items()}
        started.append(subprocess.Popen(COMMAND, env=environment, stderr=subprocess.PIPE, text=True))  # noqa: S603 - our own
        return started[-1], ports.url("idp").replace("localhost", "127.0.0.1")

    yield start_with
    for process in started:
        process.kill()
        process.communicate()


def wait_for(url):
    for _ in range(200):
        try:
            return httpx.get(f"{url}/health")
        except httpx.TransportError:
            time.sleep(0.05)
    return pytest.fail("the port did not open")


def stopped_log(process):
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=15)
    assert process.returncode == 0
    return [json.loads(line) for line in log.splitlines()]


def test_starts_with_the_keys_of_authz_answers_and_stops(idp, start):
    process, url = start()
    assert wait_for(url).json() == {"status": "ok"}
    document = httpx.get(f"{url}/ui/swagger/doc.json").json()
    assert document["info"]["title"] == "Tessera IdP"
    assert {"/oidc/v1/login", "/oidc/v1/userinfo", "/.well-known/openid-configuration"} <= document["paths"].keys()
    assert httpx.get(f"{url}/oidc/v1/login").status_code == 400
    assert httpx.get(f"{url}/.well-known/openid-configuration").status_code == 503  # authz is not there
    log = stopped_log(process)
    kids = {line["kid"] for line in log if line["event"] == "key rotated"}
    assert kids == {key.kid for key in idp.ring.keys}
    assert any(line["event"] == "openapi document loaded" for line in log)


async def test_without_redis_it_starts_says_so_and_logs_in(idp, start, free_tcp_port):
    process, url = start(REDIS__PORT=str(free_tcp_port), ISSUER=idp.config.issuer)
    assert wait_for(url).status_code == 200
    async with httpx.AsyncClient(base_url=url) as browser:
        page = await browser.get(idp.ask())
        answer = idp.answer(await idp.submit(browser, page, username="alice", password="wonderland-42", action="login"))
        assert answer.outcome == "authenticated"
        token = idp.access_token(answer.authentication.sub)
        told = await browser.get("/oidc/v1/userinfo", headers={"authorization": f"Bearer {token}"})
        assert told.status_code == 200
    assert any("without it" in line["event"] for line in stopped_log(process))


@pytest.fixture
def free_tcp_port():
    """A port where nothing listens."""
    return Ports.free().authz


def refusal(process):
    _, log = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Traceback" not in log
    return log.splitlines()[-1]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"LISTEN__PORT": "high"}, "tessera idp: configuration: "),
        ({"NO_SUCH_KEY": "x"}, "tessera idp: configuration: "),
        ({"ISSUER": "http://localhost:8080/"}, "tessera idp: configuration: "),
        ({"TRUSTED_PROXIES": '["not a network"]'}, "tessera idp: configuration: "),
        ({"DATABASE__NAME": "no_such_database"}, "tessera idp: database: "),
        ({"DATABASE__PORT": "1"}, "tessera idp: database: "),
        ({"KEYS__MASTER_KEY_FILE": "/no/such/file"}, "tessera idp: secret file /no/such/file cannot be read"),
        ({"KEYS__ID_TOKEN_ALG": "PS512", "KEYS__WAIT_SECONDS": "1"}, "tessera idp: keys: "),
        ({"LISTEN__HOST": "192.0.2.1"}, "tessera idp: listen: 192.0.2.1:"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line_and_status_1(start, changes, line):
    process, _url = start(**changes)
    assert refusal(process).startswith(line)


def test_with_another_master_key_than_authz_it_does_not_start(start, tmp_path):
    other = tmp_path / "master_key"
    other.write_text(base64.urlsafe_b64encode(bytes(32)).decode())
    process, _url = start(KEYS__MASTER_KEY_FILE=str(other))
    assert refusal(process).startswith("tessera idp: keys: the master key does not open the stored key ")


def test_port_in_use_is_one_line(start):
    _first, url = start()
    wait_for(url)
    second, _url = start()
    assert "listen: " in refusal(second)

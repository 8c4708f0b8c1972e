"""How the real process starts and ends: one clear line and status 1 where it cannot do its job."""

import asyncio
import json
import socket

import pytest

pytestmark = pytest.mark.integration


async def ending(service):
    """Run a service that cannot start; returns its status and its last line."""
    await service.start()
    try:
        code = await asyncio.wait_for(service.process.wait(), 15)
    finally:
        await service.stop()
    lines = service.log.read_text().splitlines()
    assert not any(line.startswith("Traceback") for line in lines), lines
    assert len([line for line in lines if line.startswith("tessera rs: ")]) == 1
    return code, lines[-1]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DATABASE__PORT": "9"}, ":9/tessera: "),
        ({"DATABASE__USER": "tessera_idp"}, "password authentication failed"),
        ({"DATABASE__PASSWORD_FILE": "/nothing"}, "secret file /nothing cannot be read"),
        ({"REDIS__PASSWORD_FILE": "/nothing"}, "secret file /nothing cannot be read"),
        ({"REVOCATION__WHEN_UNREACHABLE": "introspect"}, "there is no section introspection"),
        ({"ACCESS_TOKEN_ALGS": '["HS256"]'}, "access_token_algs.0"),
        ({"LISTEN__PORTT": "1"}, "TESSERA_RS_LISTEN__PORTT names no configuration key"),
        ({"LISTEN__HOST": "192.0.2.1"}, "listen: 192.0.2.1:"),
        ({"TRUSTED_PROXIES": '["everybody"]'}, "trusted_proxies"),
    ],
)
async def test_what_keeps_it_from_working_is_one_clear_line_and_status_1(new_service, variables, said):
    code, line = await ending(new_service(**variables))
    assert code == 1
    assert line.startswith("tessera rs: ")
    assert said in line


async def test_a_port_that_is_taken_is_named(new_service):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = await ending(new_service(LISTEN__PORT=str(port)))
    assert (code, line.startswith(f"tessera rs: listen: 127.0.0.1:{port}: ")) == (1, True)


async def test_an_older_schema_is_refused_and_it_says_what_to_run(new_service, own_database_as):
    owner = await own_database_as("owner")
    newest = await owner.fetchrow("SELECT * FROM schema_history ORDER BY version DESC LIMIT 1")
    await owner.execute("DELETE FROM schema_history WHERE version = $1", newest["version"])
    try:
        code, line = await ending(new_service())
    finally:
        await owner.execute("INSERT INTO schema_history VALUES ($1, $2, $3, $4)", *newest.values())
    assert code == 1
    assert "run python -m tessera_shared.schema" in line


async def test_without_redis_and_issuer_it_starts_says_so_and_is_not_healthy_yet(new_service, http):
    service = new_service(REDIS__PORT="9")
    await service.start()
    try:
        for _ in range(100):
            await asyncio.sleep(0.05)
            if "listening" in service.log.read_text():
                break
        await asyncio.sleep(0.3)
        health = await http.get(f"{service.url}/health")
        assert (health.status_code, health.json()["failing"]) == (503, ["keys"])
        assert "redis does not answer; going on without it" in service.log.read_text()
    finally:
        assert await service.stop() == 0


async def test_without_redis_it_is_healthy_once_it_has_the_keys_by_http(new_service, http, issuer):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps(issuer.ring.public_jwks(issuer.ring.keys[0].active_from)).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(body), body))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks"
    service = new_service(REDIS__PORT="9", JWKS_URL=url)
    await service.start()
    try:
        await service.healthy(http)
        answer = await http.get(f"{service.url}/resource", headers={"authorization": f"Bearer {issuer.token()}"})
        assert answer.status_code == 200
    finally:
        assert await service.stop() == 0
        server.close()


async def test_it_logs_each_step_of_its_start_and_stops_within_ten_seconds_when_asked(new_service, http):
    service = new_service()
    await service.start()
    await service.healthy(http)
    assert await asyncio.wait_for(service.stop(), 10) == 0
    log = service.log.read_text()
    steps = ["database connected", "redis connected", "openapi document loaded", "listening", "stopping", "stopped"]
    places = [log.index(step) for step in steps]
    assert places == sorted(places)
    assert "Traceback" not in log

"""Registered certificates in force on every replica, against a real PostgreSQL."""

import asyncio
import json
import ssl
import time
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from e2e.certificates import Wanted, authority, client_context, issue, server
from tessera_shared import clock
from tessera_shared.config import Tls
from tessera_shared.errors import StartupError
from tessera_shared.mutual_tls.client_trust import ClientTrust
from tessera_shared.mutual_tls.registered import load_registered

pytestmark = pytest.mark.integration

CA, CLIENTS = authority("CN=Server CA"), authority("CN=Client CA")
INSERT = "INSERT INTO authz.clients (client_id, metadata, created_at, updated_at) VALUES ($1, $2, $3, $3)"
UPDATE = "UPDATE authz.clients SET metadata = $2 WHERE client_id = $1"
DELETE = "DELETE FROM authz.clients WHERE client_id = $1"


@pytest.fixture
def settings(tmp_path):
    certificate, key = server(CA).write(tmp_path, "server")
    return Tls(port=0, public_url="https://localhost", certificate_file=certificate, key_file=key)


@asynccontextmanager
async def following(settings, database):
    trust = ClientTrust(settings, (CLIENTS.certificate,), database)
    live = await trust.open()
    task = asyncio.create_task(trust.follow(live))
    await asyncio.sleep(0.3)  # until it listens
    try:
        yield live
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def accepts(live, own):
    """Whether a handshake passes: both ends in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context(CA, own).wrap_bio(to_client, to_server, server_hostname="localhost")
    served = live.wrap_bio(to_server, to_client, server_side=True)
    try:
        for _round in range(4):
            for end in (client, served):
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue
    except ssl.SSLError:
        return False
    return served.getpeercert(binary_form=True) == own.der


async def becomes(live, own, *, accepted):
    """Wait for it; returns the seconds it took."""
    started = time.monotonic()
    while accepts(live, own) is not accepted:
        assert time.monotonic() - started < 5
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def change(database, sql, client_id, jwks=None):
    arguments = [client_id]
    if sql is not DELETE:
        arguments.append(json.dumps({"client_name": "T", "jwks": jwks}))
    if sql is INSERT:
        arguments.append(clock.now())
    await database.execute(sql, *arguments)


@pytest.mark.parametrize("role", ["authz", "rs"])
async def test_a_registered_certificate_passes_within_a_second_until_it_is_removed(settings, database_as, role):
    authz, reader = await database_as("authz"), await database_as(role)
    own, renewed, client_id = issue(), issue(), uuid4().hex
    async with following(settings, reader) as first, following(settings, reader) as second:
        assert not accepts(first, own)
        await change(authz, INSERT, client_id, own.jwks)
        assert await becomes(first, own, accepted=True) < 1
        assert await becomes(second, own, accepted=True) < 1
        await change(authz, UPDATE, client_id, renewed.jwks)
        assert await becomes(first, renewed, accepted=True) < 1
        assert not accepts(first, own)
        await change(authz, DELETE, client_id)
        assert await becomes(first, renewed, accepted=False) < 1
        assert await becomes(second, renewed, accepted=False) < 1


async def test_many_changes_at_once_are_all_in_force_soon(settings, database_as):
    authz = await database_as("authz")
    owned = {uuid4().hex: issue() for _ in range(100)}
    async with following(settings, await database_as("rs")) as live:
        for client_id, own in owned.items():
            await change(authz, INSERT, client_id, own.jwks)
        for own in owned.values():
            assert await becomes(live, own, accepted=True) < 1
        for client_id in owned:
            await change(authz, DELETE, client_id)
        for own in owned.values():
            assert await becomes(live, own, accepted=False) < 2


async def test_a_certificate_that_was_registered_before_the_start_passes_at_once(settings, database_as):
    authz, own, client_id = await database_as("authz"), issue(), uuid4().hex
    await change(authz, INSERT, client_id, own.jwks)
    live = await ClientTrust(settings, (), await database_as("rs")).open()
    assert accepts(live, own)
    await change(authz, DELETE, client_id)


async def test_a_client_cannot_shut_out_those_of_an_authority_by_taking_its_name(settings, database_as):
    authz, client_id = await database_as("authz"), uuid4().hex
    of_the_authority = issue(None, CLIENTS)
    imitations = [issue(Wanted(subject="CN=Client CA")), authority("CN=Client CA"), authority("CN=CLIENT ca")]
    keys = [key for pair in imitations for key in pair.jwks["keys"]]
    good = issue()
    async with following(settings, authz) as live:
        await change(authz, INSERT, client_id, {"keys": [*keys, *good.jwks["keys"]]})
        await becomes(live, good, accepted=True)
        assert accepts(live, of_the_authority)
        assert not any(accepts(live, pair) for pair in imitations)
        await change(authz, DELETE, client_id)


HOSTILE = [
    None,
    "text",
    [],
    {"keys": None},
    {"keys": "text"},
    {"keys": {"x5c": ["AAAA"]}},
    {"keys": [None, 1, "text", [], {}]},
    {"keys": [{"x5c": None}, {"x5c": "AAAA"}, {"x5c": [None]}, {"x5c": [1]}, {"x5c": [["AAAA"]]}, {"x5c": {}}]},
    {"keys": [{"x5c": ["not base64"]}, {"x5c": ["AAAA"]}, {"x5c": ["A" * 8193]}, {"x5c": ["ä"]}]},
]


@pytest.mark.parametrize("jwks", HOSTILE)
async def test_no_clients_key_set_keeps_the_others_certificates_out(settings, database_as, jwks):
    authz, own = await database_as("authz"), issue()
    hostile, good = uuid4().hex, uuid4().hex
    await change(authz, INSERT, hostile, jwks)
    await change(authz, INSERT, good, own.jwks)
    live = await ClientTrust(settings, (), await database_as("rs")).open()
    assert accepts(live, own)
    await change(authz, DELETE, hostile)
    await change(authz, DELETE, good)


async def test_services_see_the_certificates_and_not_whose_they_are(database_as):
    authz, own, client_id = await database_as("authz"), issue(), uuid4().hex
    await change(authz, INSERT, client_id, own.jwks)
    for role in ("authz", "rs"):
        assert own.x5c in await load_registered(await database_as(role))
    rows = await (await database_as("rs")).fetch("SELECT * FROM authz.client_certificates")
    assert {tuple(row.keys()) for row in rows} == {("x5c",)}
    await change(authz, DELETE, client_id)


async def test_a_renewed_certificate_of_the_server_is_shown(settings, database_as, monkeypatch):
    monkeypatch.setattr("tessera_shared.mutual_tls.client_trust._REREAD_SECONDS", 0.1)
    own = issue(None, CLIENTS)
    async with following(settings, await database_as("authz")) as live:
        assert accepts(live, own)
        server(authority("CN=Other")).write(settings.certificate_file.parent, "server")
        await becomes(live, own, accepted=False)  # the client does not trust that one
        settings.key_file.write_text("half written")
        await asyncio.sleep(0.5)
        server(CA).write(settings.certificate_file.parent, "server")
        await becomes(live, own, accepted=True)


@pytest.mark.parametrize("file", ["certificate_file", "key_file"])
async def test_a_start_without_a_usable_certificate_fails_with_the_files_names(settings, database_as, file):
    getattr(settings, file).write_text("nonsense")
    with pytest.raises(StartupError, match=r"^tls: .*server.pem, .*server.key: "):
        await ClientTrust(settings, (), await database_as("authz")).open()

"""A TLS port over real sockets: which handshakes pass, and what the application is told of them."""

import asyncio
import json
import socket
import ssl
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from e2e.certificates import Wanted, authority, client_context, issue, server
from tessera_shared.config import Listen, Tls
from tessera_shared.http.server import TlsPort, _config, _Connections, _serve_until, open_port
from tessera_shared.mutual_tls.context import LiveContext, server_context

CA, CLIENTS = authority("CN=Server CA"), authority("CN=Client CA")
BETWEEN = authority("CN=Client CA 2", CLIENTS)
KNOWN, TWIN, UNKNOWN = issue(), issue(), issue()
EXPIRED = issue(Wanted(begins=timedelta(days=-2), ends=timedelta(days=-1)))
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


async def app(scope, _receive, send):
    """Tells the TLS extension of the scope."""
    extension = scope["extensions"].get("tls")
    body = json.dumps({"http": scope["http_version"], "scheme": scope["scheme"], "tls": extension}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def settings(tmp_path):
    certificate, key = server(CA).write(tmp_path, "server")
    return Tls(port=0, public_url="https://localhost", certificate_file=certificate, key_file=key)


@asynccontextmanager
async def served(live):
    plain, tls = open_port(Listen(port=0)), open_port(Listen(port=0))
    numbers = plain.getsockname()[1], tls.getsockname()[1]
    stop = asyncio.Event()
    running = asyncio.create_task(_serve_until(stop.wait, _Connections(app, _config()), plain, TlsPort(tls, live)))
    try:
        yield numbers
    finally:
        stop.set()
        await asyncio.wait_for(running, 5)


@pytest.fixture
async def port(settings):
    trusted = [pair.der for pair in (KNOWN, TWIN, EXPIRED)]
    live = LiveContext.of(server_context(settings, (CLIENTS.certificate,), trusted))
    async with served(live) as (_plain, tls):
        yield live, tls


async def ask(port, own=None, *between, http2=False, version=None, name="localhost"):
    context = client_context(CA, own, *between)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    async with httpx.AsyncClient(verify=context, http2=http2, trust_env=False) as client:
        response = await client.get(f"https://{name}:{port}/")
        return response.json()


async def is_refused(port, own, **how):
    try:
        await ask(port, own, **how)
    except (httpx.HTTPError, ssl.SSLError):
        return True
    return False


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("http2", [False, True])
async def test_the_application_is_told_of_the_clients_certificate(port, version, http2):
    client = issue(Wanted(subject="CN=client,O=Example"), CLIENTS)
    told = await ask(port[1], client, http2=http2, version=version)
    assert (told["http"], told["scheme"]) == ("2" if http2 else "1.1", "https")
    extension = told["tls"]
    assert extension["client_cert_chain"] == [client.pem]
    assert extension["client_cert_name"] == "CN=client,O=Example"
    assert extension["client_cert_error"] is None
    assert extension["tls_version"] == (0x0304 if version == ssl.TLSVersion.TLSv1_3 else 0x0303)
    assert extension["cipher_suite"] in (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02C, 0xCCA9)


async def test_a_client_may_come_without_a_certificate(port):
    extension = (await ask(port[1]))["tls"]
    assert (extension["client_cert_chain"], extension["client_cert_name"]) == ([], None)


async def test_a_plain_port_tells_of_no_tls(settings):
    live = LiveContext.of(server_context(settings, (), []))
    async with served(live) as (plain, _tls), httpx.AsyncClient(trust_env=False) as client:
        told = (await client.get(f"http://127.0.0.1:{plain}/")).json()
    assert (told["tls"], told["scheme"]) == (None, "http")


async def test_intermediate_certificates_come_along(port):
    client = issue(None, BETWEEN)
    extension = (await ask(port[1], client, BETWEEN))["tls"]
    assert extension["client_cert_chain"] == [client.pem, BETWEEN.pem]


@pytest.mark.parametrize("version", VERSIONS)
async def test_registered_certificates_pass_and_others_do_not(port, version):
    for pair in (KNOWN, TWIN):  # which have the same subject
        extension = (await ask(port[1], pair, version=version))["tls"]
        assert extension["client_cert_chain"] == [pair.pem]
    for pair in (UNKNOWN, EXPIRED, issue(None, authority("CN=Client CA")), issue(None, KNOWN)):
        assert await is_refused(port[1], pair, version=version)


async def test_why_a_certificate_was_refused_is_logged(port, capsys):
    assert await is_refused(port[1], UNKNOWN)
    assert await is_refused(port[1], EXPIRED)
    said = capsys.readouterr().out
    assert "self-signed certificate" in said
    assert "certificate has expired" in said


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"], ids=["with a server name", "without"])
async def test_renewed_settings_hold_for_the_next_connection(port, settings, version, name):
    live, number = port
    assert await is_refused(number, UNKNOWN, version=version, name=name)
    live.renew(server_context(settings, (), [UNKNOWN.der]))
    assert (await ask(number, UNKNOWN, version=version, name=name))["tls"]["client_cert_chain"] == [UNKNOWN.pem]
    assert await is_refused(number, KNOWN, version=version, name=name)
    assert await is_refused(number, issue(None, CLIENTS), version=version, name=name)


async def test_a_renewed_server_certificate_is_shown(port, settings, tmp_path):
    live, number = port
    other = authority("CN=Other CA")
    certificate, key = server(other).write(tmp_path, "other")
    live.renew(server_context(settings.model_copy(update={"certificate_file": certificate, "key_file": key}), (), []))
    with pytest.raises((httpx.HTTPError, ssl.SSLError)):
        await ask(number)
    async with httpx.AsyncClient(verify=client_context(other), trust_env=False) as client:
        assert (await client.get(f"https://localhost:{number}/")).status_code == 200


@pytest.mark.parametrize("version", VERSIONS)
async def test_no_session_is_resumed_under_renewed_settings(port, settings, version):
    """It would bring its certificate along without another verification."""
    context = client_context(CA, KNOWN)
    context.minimum_version = context.maximum_version = version

    def connect(session):
        with (
            socket.create_connection(("localhost", port[1])) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as secure,
        ):
            secure.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            while secure.recv(1000):
                pass
            return secure.session, secure.session_reused

    session, _ = await asyncio.to_thread(connect, None)
    port[0].renew(server_context(settings, (), [KNOWN.der]))
    _, reused = await asyncio.to_thread(connect, session)
    assert not reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_old_versions_are_refused(port, version):
    context = client_context(CA)
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("localhost", port[1], ssl=context)


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"])
async def test_ciphers_without_forward_secrecy_or_authentication_are_refused(port, cipher):
    context = client_context(CA)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("localhost", port[1], ssl=context)


async def test_plain_http_on_the_tls_port_is_no_answer(port):
    reader, writer = await asyncio.open_connection("localhost", port[1])
    writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert b"200" not in await reader.read(1000)
    writer.close()


def test_a_broken_registered_certificate_does_not_keep_the_others_out(settings):
    context = server_context(settings, (), [b"garbage", KNOWN.der])
    assert context.cert_store_stats()["x509"] == 1


@pytest.mark.parametrize("file", ["certificate_file", "key_file"])
def test_files_that_cannot_be_used_are_an_error(settings, tmp_path, file):
    broken = tmp_path / "broken.pem"
    for content in (None, "", "nonsense", UNKNOWN.pem):
        if content is not None:
            broken.write_text(content)
        with pytest.raises(OSError):  # noqa: PT011 - of any kind
            server_context(settings.model_copy(update={file: broken}), (), [])

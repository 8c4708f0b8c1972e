"""What a client's metadata may make this server fetch, against real sockets on the loopback interface."""

import asyncio
import gzip
import ipaddress
import socket
import ssl
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tessera_shared import fetch
from tessera_shared.config import Fetch
from tessera_shared.errors import StartupError
from tessera_shared.fetch import MAX_BYTES, Fetched, Fetcher, NotFetched, check_url
from tessera_shared.public_address import is_public

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
SOMEWHERE = ("localhost", 0)


@pytest.fixture
async def fetcher():
    made = Fetcher(Fetch())
    yield made
    await made.close()


@asynccontextmanager
async def serving(answer, context=None):
    """A server on the loopback interface; `answer` writes the bytes. Yields its port and what was received."""
    received = []

    async def handle(reader, writer):
        received.append((await reader.readuntil(b"\r\n\r\n")).decode())
        try:
            await answer(writer)
            await writer.drain()
        except ConnectionError:
            received.append("cut off")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], received


def sends(content):
    async def answer(writer):
        writer.write(content)

    return answer


@asynccontextmanager
async def allowing(*hosts, ca_file=None):
    made = Fetcher(Fetch(allowed_hosts=hosts, ca_file=ca_file))
    yield made
    await made.close()


async def get_from(answer, path="/keys"):
    async with serving(answer) as (port, received), allowing(f"127.0.0.1:{port}") as fetcher:
        return await fetcher.get(f"http://127.0.0.1:{port}{path}", "application/json"), received


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.example/",
        "ftp://keys.example/",
        "file:///etc/passwd",
        "gopher://keys.example/",
        "javascript:alert(1)",
        "data:application/json,{}",
        "//keys.example/",
        "https:keys.example",
        "https:/keys.example",
        "https:///keys",
        "https://",
        "https://?x",
        "",
        "https://user@keys.example/",
        "https://user:secret@keys.example/",
        "https://@keys.example/",
        "https://keys.example@10.0.0.1/",
        "https://keys.example\\@10.0.0.1/",
        "https://keys.example\t/",
        "https://keys.example/ x",
        "https://keys.example/\r\nhost: other",
        "https://keys.example:99999/",
        "https://keys.example:x/",
        "https://\uff4beys.example/",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://127\u30020\u30020\u30021/",
        "https://%31%32%37.0.0.1/",
        "https://[::1%25lo]/",
        "https://[fe80::1%eth0]/",
        "https://[::1/",
        "https://[keys.example]/",
        "https://a..b/",
        "https://.example/",
        "https://keys.example/" + "a" * 2048,
    ],
)
def test_a_url_that_is_not_plain_https_is_refused_by_its_text(url):
    with pytest.raises(NotFetched):
        check_url(url, ())


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://keys.example/a?b=c#d", "keys.example", 443),
        ("HTTPS://KEYS.Example:8443/", "keys.example", 8443),
        ("https://keys.example.", "keys.example", 443),
        ("https://[2001:4860::1]:1/", "2001:4860::1", 1),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
    ],
)
def test_a_plain_https_url_is_taken(url, host, port):
    target = check_url(url, ())
    assert (target.host, target.port, target.is_allowed_by_name) == (host, port, False)


@pytest.mark.parametrize("url", ["http://demo.example/", "http://demo.example:80/", "http://DEMO.example./x"])
def test_an_allowed_host_may_be_reached_by_http(url):
    assert check_url(url, ("demo.example",)).is_allowed_by_name
    assert check_url(url, ("demo.example:80",)).is_allowed_by_name


@pytest.mark.parametrize(
    "url", ["http://demo.example:81/", "http://x.demo.example/", "http://demo.example.evil.example/"]
)
def test_what_only_resembles_an_allowed_host_is_not_allowed(url):
    with pytest.raises(NotFetched):
        check_url(url, ("demo.example:80",))


NOT_PUBLIC = [
    "0.0.0.1", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.8.8.8",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::7f00:1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254",
    "ff02::1", "100::1", "2001::1", "2001:db8::1", "3fff::1", "4000::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::",
    "2002:a00:1::1", "2002:c0a8:101::1", "2002:a9fe:a9fe::",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.32.0.1", "192.0.1.1", "2606:4700::1111",
    "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_known(text):
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_known(text):
    assert is_public(ipaddress.ip_address(text))


@given(st.ip_addresses())
@settings(max_examples=2000)
def test_what_python_calls_private_is_never_public(address):
    embedded = address.version == 6 and (address.ipv4_mapped or address.sixtofour or address in NAT64)
    if (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
    ):
        assert embedded or not is_public(address)


NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
PRIVATE_V4 = st.one_of(
    *(st.ip_addresses(v=4, network=network) for network in
      ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "0.0.0.0/8"))
)  # fmt: skip
AS_V6 = (
    lambda number: (0xFFFF << 32) | number,  # IPv4-mapped
    lambda number: int(NAT64.network_address) | number,
    lambda number: (0x2002 << 112) | (number << 80) | 1,  # 6to4
    lambda number: number,  # IPv4-compatible
)
AS_TEXT = (
    str,
    lambda address: str(int(address)),
    lambda address: hex(int(address)),
    lambda address: ".".join(hex(part) for part in address.packed),
    lambda address: ".".join(f"{part:o}".rjust(4, "0") for part in address.packed),
    lambda address: f"{address.packed[0]}.{int(address) & 0xFFFFFF}",
    lambda address: f"{address.packed[0]}.{address.packed[1]}.{int(address) & 0xFFFF}",
    lambda address: f"{address}.",
)


@given(PRIVATE_V4, st.sampled_from(AS_V6))
@settings(max_examples=1000)
def test_a_private_address_inside_an_ipv6_address_is_not_public(address, wrap):
    assert not is_public(ipaddress.IPv6Address(wrap(int(address))))


@given(PRIVATE_V4, st.sampled_from(AS_TEXT), st.integers(1, 65535))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_private_address_in_any_notation_is_refused_before_a_connection(fetcher, address, write, port):
    with pytest.raises(NotFetched, match=r"not public|cannot be|neither a name"):
        await fetcher.get(f"https://{write(address)}:{port}/", "*/*")


@given(PRIVATE_V4, st.sampled_from(AS_V6))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_an_ipv6_literal_that_hides_a_private_address_is_refused_before_a_connection(fetcher, address, wrap):
    with pytest.raises(NotFetched, match=r"not public|cannot be resolved"):
        await fetcher.get(f"https://[{ipaddress.IPv6Address(wrap(int(address)))}]/", "*/*")


@given(st.text(max_size=60))
@settings(max_examples=2000)
def test_no_text_at_all_breaks_the_check(text):
    for url in (text, f"https://{text}", f"https://{text}@keys.example/", f"https://keys.example{text}"):
        try:
            target = check_url(url, ())
        except NotFetched:
            continue
        assert target.url.scheme == "https"
        assert not target.url.userinfo
        assert target.host


def resolving_to(monkeypatch, *answers):
    """Let names resolve to these addresses, one answer after another; the last one stays."""
    queue = list(answers)

    def getaddrinfo(_host, port, **_options):
        addresses = queue.pop(0) if len(queue) > 1 else queue[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(fetch.socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["169.254.169.254", "8.8.8.8"]])
async def test_a_name_with_any_address_that_is_not_public_is_refused(fetcher, monkeypatch, addresses):
    resolving_to(monkeypatch, addresses)
    with pytest.raises(NotFetched, match="not public"):
        await fetcher.get("https://keys.example/", "*/*")


async def test_the_connection_goes_to_the_address_that_was_checked(fetcher, monkeypatch):
    """DNS rebinding: the second answer, which no check sees, is never asked for."""
    resolving_to(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    sent = []

    async def send(request):
        sent.append(request)
        raise fetch.httpx.ConnectError("not in this test")

    monkeypatch.setattr(fetcher._transport, "handle_async_request", send)
    with pytest.raises(NotFetched):
        await fetcher.get("https://keys.example:8443/jwks", "application/json")
    assert (sent[0].url.host, sent[0].url.port, sent[0].url.path) == ("8.8.8.8", 8443, "/jwks")
    assert sent[0].headers["host"] == "keys.example:8443"
    assert sent[0].extensions["sni_hostname"] == "keys.example"


async def test_an_allowed_host_is_fetched_from_the_loopback_interface():
    fetched, received = await get_from(sends(OK + b"cache-control: max-age=60\r\n\r\n{}"), "/keys?a=b")
    assert (fetched.status, fetched.media_type, fetched.body) == (200, "application/json", b"{}")
    assert fetched.headers["cache-control"] == "max-age=60"
    assert received[0].startswith("GET /keys?a=b HTTP/1.1\r\n")
    assert "accept-encoding: identity" in received[0].lower()


async def test_a_cookie_is_not_kept():
    async with (
        serving(sends(OK + b"set-cookie: a=b\r\n\r\n{}")) as (port, received),
        allowing("127.0.0.1") as fetcher,
    ):
        for _ in range(2):
            await fetcher.get(f"http://127.0.0.1:{port}/", "*/*")
        assert len(received) == 2
        assert not any("cookie" in request.lower() for request in received)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status):
    async with serving(sends(b"HTTP/1.1 200 OK\r\n\r\nsecret")) as (inside, reached):
        answer = f"HTTP/1.1 {status} x\r\nlocation: http://127.0.0.1:{inside}/\r\n\r\n".encode()
        with pytest.raises(NotFetched, match="redirects"):
            await get_from(sends(answer))
        assert not reached


@pytest.mark.parametrize("status", [201, 204, 304, 400, 404, 500])
async def test_anything_but_200_is_no_answer(status):
    with pytest.raises(NotFetched, match=str(status)):
        await get_from(sends(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n".encode()))


async def test_content_of_the_greatest_size_is_taken():
    fetched, _ = await get_from(sends(OK + b"\r\n" + b"x" * MAX_BYTES))
    assert len(fetched.body) == MAX_BYTES


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n",
        f"content-length: {MAX_BYTES + 1}\r\n\r\n".encode(),
        b"content-length: 99999999999999999999999\r\n\r\n",
    ],
)
async def test_larger_content_is_cut_off(head):
    with pytest.raises(NotFetched, match=r"larger|failed"):
        await get_from(sends(OK + head + b"x" * (MAX_BYTES + 1)))


async def test_an_endless_chunked_body_is_cut_off():
    async def answer(writer):
        writer.write(OK + b"transfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()

    with pytest.raises(NotFetched, match="larger"):
        await get_from(answer)


async def test_endless_headers_are_cut_off():
    async def answer(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-more: " + b"x" * 4096 + b"\r\n")
            await writer.drain()

    with pytest.raises(NotFetched, match="failed"):
        await get_from(answer)


async def test_compressed_content_is_refused():
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < MAX_BYTES
    with pytest.raises(NotFetched, match="encoded"):
        await get_from(sends(OK + b"content-encoding: gzip\r\n\r\n" + bomb))


@pytest.mark.parametrize("after", [b"", b"HTTP/1.1 200", OK, OK + b"\r\n{", OK + b"content-length: 9\r\n\r\n{"])
async def test_a_slow_answer_is_cut_off_in_time(monkeypatch, after):
    """A trickle: each byte comes in time, the whole does not."""
    monkeypatch.setattr(fetch, "TOTAL_SECONDS", 0.4)

    async def answer(writer):
        writer.write(after)
        for _ in range(40):
            await asyncio.sleep(0.05)
            writer.write(b" " if after else b"")
            await writer.drain()

    async with serving(answer) as (port, _), allowing("localhost") as fetcher:
        started = time.monotonic()
        with pytest.raises(NotFetched, match=r"no whole answer|failed"):
            await fetcher.get(f"http://localhost:{port}/keys", "application/json")
        assert time.monotonic() - started < 1.5


async def test_a_slow_resolution_is_cut_off_in_time(fetcher, monkeypatch):
    monkeypatch.setattr(fetch, "TOTAL_SECONDS", 0.2)
    monkeypatch.setattr(fetch.socket, "getaddrinfo", lambda *_, **__: time.sleep(0.6))
    with pytest.raises(NotFetched, match="within"):
        await fetcher.get("https://keys.example/", "*/*")


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"SSH-2.0-OpenSSH_9.9\r\n"])
async def test_what_is_no_http_is_no_answer(answer):
    with pytest.raises(NotFetched, match="failed"):
        await get_from(sends(answer))


async def test_the_environment_chooses_no_proxy(monkeypatch):
    async with serving(sends(OK + b"\r\nproxied")) as (port, reached):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        assert (await get_from(sends(OK + b"\r\ndirect")))[0].body == b"direct"
        assert not reached


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate of keys.test, and the server's TLS context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "keys.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("keys.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


@pytest.mark.parametrize(("host", "trusts", "works"), [
    ("keys.test", True, True), ("other.test", True, False), ("keys.test", False, False)
])  # fmt: skip
async def test_the_certificate_must_be_the_named_hosts(monkeypatch, certificate, host, trusts, works):
    """The connection goes to an address, but SNI, Host and the certificate's name are the URL's."""
    resolving_to(monkeypatch, ["127.0.0.1"])
    ca_file, context = certificate
    async with (
        serving(sends(OK + b"\r\n{}"), context) as (port, received),
        allowing("keys.test", "other.test", ca_file=ca_file if trusts else None) as fetcher,
    ):
        url = f"https://{host}:{port}/jwks"
        if works:
            assert (await fetcher.get(url, "application/json")).body == b"{}"
            assert f"host: keys.test:{port}" in received[0].lower()
        else:
            with pytest.raises(NotFetched, match="failed"):
                await fetcher.get(url, "application/json")
            assert not received


def test_an_unreadable_ca_file_ends_the_start(tmp_path):
    with pytest.raises(StartupError, match="ca_file"):
        Fetcher(Fetch(ca_file=tmp_path / "missing.pem"))


async def test_a_form_is_posted_and_its_status_told():
    async with serving(sends(b"HTTP/1.1 400 Bad Request\r\n\r\nno")) as (port, received), allowing("localhost") as f:
        fetched = await f.post(f"http://localhost:{port}/logout", b"a=b", "application/x-www-form-urlencoded")
        assert (fetched.status, fetched.body) == (400, b"no")
        assert received[0].startswith("POST /logout")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": 'public, MAX-AGE="600"'}, 600),
        ({"cache-control": "max-age=600", "age": "100"}, 500),
        ({"cache-control": "max-age=999999999"}, 3600),
        ({"cache-control": "max-age=99999999999999999999"}, 60),
        ({"cache-control": "max-age=1"}, 60),
        ({"cache-control": "max-age=-5"}, 60),
        ({"cache-control": "no-store, max-age=600"}, 60),
        ({"cache-control": "no-cache"}, 60),
        ({"expires": "Tue, 24 Nov 2026 12:10:00 GMT"}, 600),
        ({"expires": "Tue, 24 Nov 2026 11:00:00 GMT"}, 60),
        ({"expires": "0"}, 60),
        ({"cache-control": "max-age=120", "expires": "Tue, 24 Nov 2026 12:10:00 GMT"}, 120),
    ],
)  # fmt: skip
def test_an_answer_is_kept_as_its_headers_say_within_bounds(headers, seconds):
    fetched = Fetched(200, headers, b"")
    assert fetched.fresh_for(timedelta(minutes=1), timedelta(hours=1), NOW) == timedelta(seconds=seconds)

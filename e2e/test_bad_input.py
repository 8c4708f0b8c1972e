"""Bad input (issue 2): a clear answer of the 400s as JSON, never a 500, whatever is sent."""

import random
import socket
import string
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from e2e.browser import Browser, Page
from e2e.relying_party import RelyingParty, basic, error_of
from e2e.stack import Stack

FORMS = ("/oauth2/v1/token", "/oauth2/v1/introspect", "/oauth2/v1/revoke")
DEMO = basic("demo-client", "demo-secret")
URLENCODED = {"content-type": "application/x-www-form-urlencoded"}
RAW_BODIES = {
    "not UTF-8": b"grant_type=client_credentials&scope=%ff%fe",
    "overlong UTF-8": b"grant_type=client_credentials&scope=%c0%af",
    "a lone surrogate": b"grant_type=client_credentials&scope=%ed%a0%80",
    "raw bytes": b"grant_type=client_credentials&scope=\xff\xfe",
    "a NUL character": b"grant_type=client_credentials&scope=a%00b",
    "a NUL character in a name": b"grant_type=client_credentials&sco%00pe=a",
    "a raw NUL character": b"grant_type=client_credentials&scope=a\x00b",
    "10,000 characters": b"grant_type=client_credentials&scope=" + b"a" * 10_000,
    "10,000 characters in a name": b"grant_type=client_credentials&" + b"a" * 10_000 + b"=1",
    "1,000 parameters": b"grant_type=client_credentials&" + b"&".join(b"p%d=1" % number for number in range(1000)),
    "a repeated parameter": b"grant_type=client_credentials&scope=profile&scope=profile",
    "a repeated parameter without a value": b"grant_type=client_credentials&scope=profile&scope=",
    "a repeated grant_type": b"grant_type=client_credentials&grant_type=refresh_token",
    "nothing": b"",
    "no parameter": b"&&&===&",
}


@pytest.mark.parametrize("body", RAW_BODIES.values(), ids=RAW_BODIES)
@pytest.mark.parametrize("path", FORMS)
def test_body_that_is_no_good_form_is_invalid_request(stack: Stack, http: httpx.Client, path: str, body: bytes) -> None:
    response = http.post(stack.authz + path, content=body, headers={**DEMO, **URLENCODED})
    assert (response.status_code, error_of(response)) == (400, "invalid_request")


@pytest.mark.parametrize("body", RAW_BODIES.values(), ids=RAW_BODIES)
def test_query_that_is_no_good_form_stays_on_a_page_or_is_told(stack: Stack, browser: Browser, body: bytes) -> None:
    query = body.replace(b"\x00", b"%00").replace(b"\xff\xfe", b"%ff%fe").decode()
    found = browser.open(f"{stack.authz}/oauth2/v1/authorize?client_id=demo-client&{query}")
    assert isinstance(found, Page)
    assert (found.status, found.texts["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", [*FORMS, "/oauth2/v1/authorize"])
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data; boundary=x", "text/plain", "", "application/x-www-form-urlencodedx"],
)
def test_wrong_content_type_is_refused(stack: Stack, http: httpx.Client, path: str, content_type: str) -> None:
    headers = {**DEMO, "content-type": content_type}
    response = http.post(stack.authz + path, content=b'{"grant_type":"client_credentials"}', headers=headers)
    assert response.status_code == 415
    assert "invalid_request" in response.text


def test_charset_beside_the_content_type_is_fine(stack: Stack, http: httpx.Client) -> None:
    headers = {**DEMO, "content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"}
    response = http.post(f"{stack.authz}/oauth2/v1/token", content=b"grant_type=client_credentials", headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "path", [*FORMS, "/oauth2/v1/authorize", "/oidc/v1/login", "/oidc/v1/userinfo", "/oidc/v1/logout"]
)
def test_announced_body_over_64_kib_is_413(stack: Stack, http: httpx.Client, path: str) -> None:
    base = stack.idp if path.startswith("/oidc") else stack.authz
    response = http.post(base + path, content=b"a" * (64 * 1024 + 1), headers={**DEMO, **URLENCODED})
    assert response.status_code == 413
    assert "invalid_request" in response.text


@pytest.mark.parametrize("path", [*FORMS, "/oidc/v1/login"])
def test_counted_body_over_64_kib_is_413(stack: Stack, http: httpx.Client, path: str) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(9):
            yield b"a" * 8192

    base = stack.idp if path.startswith("/oidc") else stack.authz
    response = http.post(base + path, content=chunks(), headers={**DEMO, **URLENCODED})
    assert response.status_code == 413


def test_body_of_64_kib_is_read(stack: Stack, http: httpx.Client) -> None:
    body = b"grant_type=client_credentials" + b"".join(b"&p%d=" % number + b"a" * 8000 for number in range(8))
    body += b"&q=" + b"a" * (64 * 1024 - len(body) - 3)
    assert len(body) == 64 * 1024
    response = http.post(f"{stack.authz}/oauth2/v1/token", content=body, headers={**DEMO, **URLENCODED})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "credentials",
    [
        "Basic",
        "Basic !!!",
        "Basic ZGVtbw",
        "Basic /////w==",
        "Basic AAAA",
        "Basic Og==",
        "Basic " + "A" * 9000,
    ],
)
def test_basic_credentials_that_cannot_be_read_are_refused(stack: Stack, http: httpx.Client, credentials: str) -> None:
    form = {"grant_type": "client_credentials"}
    response = http.post(f"{stack.authz}/oauth2/v1/token", data=form, headers={"authorization": credentials})
    assert response.status_code in (400, 401)
    assert error_of(response) in ("invalid_request", "invalid_client")


@pytest.mark.parametrize("form", [{"client_id": "a\x00b"}, {"client_id": "ä€😀"}, {"client_id": "a" * 8000}])
def test_odd_client_id_is_refused(stack: Stack, http: httpx.Client, form: dict[str, str]) -> None:
    response = http.post(f"{stack.authz}/oauth2/v1/token", data={"grant_type": "refresh_token", **form})
    assert response.status_code in (400, 401)
    assert error_of(response) in ("invalid_request", "invalid_client")


@pytest.mark.parametrize(
    "name", ["state", "nonce", "scope", "login_hint", "ui_locales", "prompt", "max_age", "client_id"]
)
@pytest.mark.parametrize("value", ["a" * 10_000, "a\x00b", "\ud800", "\r\nset-cookie: a=b"])
def test_odd_authorization_parameters_are_never_a_500(
    demo: RelyingParty, browser: Browser, name: str, value: str
) -> None:
    parameters = {**demo.authorization_request(), name: value}
    encoded = "&".join(f"{key}={quoted(text)}" for key, text in parameters.items())
    found = browser.open(f"{demo.stack.authz}/oauth2/v1/authorize?{encoded}")
    assert all(response.status_code < 500 for response in browser.visited)
    if "\r\n" not in value:
        assert isinstance(found, Page)
        assert (found.status, found.texts["error"]) == (400, "invalid_request")
    assert "a" not in browser.http.cookies


def quoted(text: str) -> str:
    """Percent-encoded, lone surrogates too."""
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("service", ["authz", "idp", "rs"])
def test_cookies_and_headers_of_any_bytes_are_never_a_500(stack: Stack, http: httpx.Client, service: str) -> None:
    paths = {
        "authz": ("/oauth2/v1/authorize/resume?answer=x", "/oauth2/v1/jwks"),
        "idp": ("/oidc/v1/logout", "/oidc/v1/userinfo"),
        "rs": ("/resource",),
    }
    odd = [b"\xff\xfe", b"a" * 9000, b'"\\', b"; ; =", b"tessera_session=\xc3\xa4; tessera_browser=", b"%00"]
    for path in paths[service]:
        for value in odd:
            for name in (b"cookie", b"authorization", b"x-request-id", b"if-none-match", b"x-forwarded-for", b"origin"):
                response = http.get(stack.urls[service] + path, headers=[(name, value)])
                assert response.status_code < 500, (path, name, value)


@pytest.mark.parametrize("service", ["authz", "idp", "rs"])
@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/9.9\r\nhost: x\r\n\r\n",
        b"GET  /health\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_the_service_lives_on(
    stack: Stack, http: httpx.Client, service: str, request_head: bytes
) -> None:
    place = urlsplit(stack.urls[service])
    with socket.create_connection((place.hostname or "", place.port or 80), timeout=5) as connection:
        connection.sendall(request_head)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").readline()
    assert answer == b"" or answer.split(b" ")[1][:1] in (b"2", b"4")
    assert http.get(f"{stack.urls[service]}/health").status_code == 200


def test_forms_of_random_bytes_are_never_a_500(stack: Stack, http: httpx.Client) -> None:
    generator = random.Random(20)  # noqa: S311 - the same bytes at each run
    names = ("grant_type", "code", "refresh_token", "token", "scope", "client_id", "ask", "csrf", "answer", "state")
    alphabet = string.printable + "äß€😀\x00\x01%&=+;"
    for number in range(300):
        pairs = [
            f"{generator.choice(names)}={''.join(generator.choices(alphabet, k=generator.randint(0, 30)))}"
            for _ in range(generator.randint(1, 6))
        ]
        body = "&".join(pairs).encode()
        base, path = generator.choice(
            [(stack.authz, path) for path in (*FORMS, "/oauth2/v1/authorize")]
            + [(stack.idp, f"/oidc/v1/{name}") for name in ("login", "consent", "logout", "userinfo")]
        )
        headers = {**URLENCODED, **(DEMO if number % 2 else {})}
        response = http.post(base + path, content=body, headers=headers)
        assert response.status_code < 500, (path, body)


def test_errors_on_pages_are_escaped(stack: Stack, browser: Browser) -> None:
    page = browser.show(f"{stack.authz}/oauth2/v1/authorize?client_id=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page.response.text


def test_answer_carries_the_callers_request_id_if_it_is_well_formed(stack: Stack, http: httpx.Client) -> None:
    for url in stack.urls.values():
        given = http.get(f"{url}/health", headers={"x-request-id": "readable-id.0001"})
        assert given.headers["x-request-id"] == "readable-id.0001"
        for bad in ("short", "a" * 65, "with space here", "<script>alert</script>"):
            made = http.get(f"{url}/health", headers={"x-request-id": bad}).headers["x-request-id"]
            assert made != bad


def test_every_answer_forbids_guessing_its_type_and_names_no_server(stack: Stack, http: httpx.Client) -> None:
    for url in stack.urls.values():
        for path in ("/health", "/nothing", "/ui/swagger/index.html"):
            headers = http.get(url + path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "server" not in headers
            assert "date" in headers

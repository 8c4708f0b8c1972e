"""The exchange: every request gets one answer in one form, an id, and a log line without secrets."""

import asyncio

import httpx
import pytest
import structlog
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, Router
from structlog.testing import capture_logs

from tessera_shared.errors import OAuthError, Unavailable
from tessera_shared.http import form, request_body
from tessera_shared.http.exchange import Exchange


async def ok(_request):
    return PlainTextResponse("ok")


async def read(request):
    return JSONResponse(dict((await form.body(request)).values()))


async def unavailable(_request):
    raise Unavailable("PostgreSQL does not answer")


async def refused(_request):
    raise OAuthError("invalid_grant", "Told.", section="RFC 6749 §5.2", expected="logged", received="logged too")


async def broken(_request):
    raise RuntimeError("a password in a traceback")


APP = Exchange(
    Router(
        [
            Route("/ok", ok),
            Route("/read", read, methods=["POST"]),
            Route("/unavailable", unavailable),
            Route("/refused", refused),
            Route("/broken", broken),
        ]
    ),
    (),
)


@pytest.fixture
async def client():
    transport = httpx.ASGITransport(APP, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as opened:
        yield opened
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/%00", 404, "not_found"),
        ("GET", "/%ff", 404, "not_found"),
        ("DELETE", "/ok", 405, "method_not_allowed"),
        ("GET", "/refused", 400, "invalid_grant"),
        ("GET", "/unavailable", 503, "temporarily_unavailable"),
        ("GET", "/broken", 500, "server_error"),
    ],
)
async def test_every_error_is_json_that_is_not_stored(client, method, path, status, error):
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]
    assert answer.headers["cache-control"] == "no-store"


async def test_405_names_the_methods_that_are_allowed(client):
    assert "GET" in (await client.delete("/ok")).headers["allow"]


async def test_503_says_when_to_come_back(client):
    assert (await client.get("/unavailable")).headers["retry-after"] == "1"


async def test_what_broke_is_logged_once_with_the_request_id_and_not_told(client):
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        answer = await client.get("/broken", headers={"x-request-id": "request-0001"})
    assert "password" not in answer.text
    errors = [line for line in lines if line["log_level"] == "error"]
    assert len(errors) == 1
    assert errors[0]["request_id"] == "request-0001"
    assert isinstance(errors[0]["exc_info"], RuntimeError)


async def test_a_refusal_logs_section_expected_and_received_and_tells_none_of_them(client):
    with capture_logs() as lines:
        answer = await client.get("/refused")
    assert answer.json() == {"error": "invalid_grant", "error_description": "Told."}
    line = next(line for line in lines if line["event"] == "refused")
    assert (line["section"], line["expected"], line["received"]) == ("RFC 6749 §5.2", "logged", "logged too")


async def test_the_log_line_has_path_and_status_but_neither_query_nor_headers(client):
    with capture_logs() as lines:
        await client.get("/ok?code=secret-code", headers={"authorization": "Bearer secret-token", "cookie": "c=secret"})
    line = next(line for line in lines if line["event"] == "request")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/ok", 200)
    assert "secret" not in str(lines)


async def test_a_well_formed_request_id_is_kept(client):
    assert (await client.get("/ok", headers={"x-request-id": "trace.0-1_x"})).headers["x-request-id"] == "trace.0-1_x"


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space in it", "<script>", "new\tline-x"])
async def test_any_other_request_id_is_replaced(client, given):
    made = (await client.get("/ok", headers={"x-request-id": given})).headers["x-request-id"]
    assert made != given
    assert len(made) == 32


async def test_every_answer_has_date_and_nosniff(client):
    for path in ("/ok", "/nothing", "/broken"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["date"].endswith("GMT")


async def test_an_announced_body_over_64_kib_is_413_before_it_is_read(client):
    answer = await client.post("/ok", content=b"x" * (form.MAX_BODY + 1))
    assert answer.status_code == 413
    assert answer.json()["error"] == "invalid_request"


async def test_a_body_of_64_kib_is_read(client):
    parameters = {f"p{number}": "x" * 8000 for number in range(8)}
    assert (await client.post("/read", data=parameters)).json() == parameters


@pytest.mark.parametrize("length", [b"9" * 5000, b"-1", b"x", b"1" * 30])
async def test_any_announced_length_gets_an_answer_below_500(length):
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    headers = [(b"content-length", length)]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/ok",
        "headers": headers,
        "client": ("::1", 1),
        "query_string": b"",
    }
    await APP(scope, receive, send)
    assert sent[0]["status"] in (200, 413)


async def test_a_websocket_is_closed():
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await APP({"type": "websocket", "path": "/ok", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1002}]


async def test_an_error_after_the_answer_began_does_not_send_a_second_one():
    async def half(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("in the middle")

    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/ok", "headers": [], "client": ("::1", 1)}
    with capture_logs() as lines:
        await Exchange(half, ())(scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert any(line["log_level"] == "error" for line in lines)


async def _serve_disconnect(body):
    """Serve a request whose client goes away in the middle of its body."""
    sent = []
    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"100")]
    scope = {"type": "http", "method": "POST", "path": "/read", "headers": headers, "query_string": b""}
    messages = iter([{"type": "http.request", "body": body, "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    await APP(scope, receive, send)
    return sent


async def test_a_client_that_goes_away_in_the_middle_of_its_body_is_no_server_error():
    with capture_logs() as logs:
        sent = await _serve_disconnect(b"a=")
    assert sent == []
    assert [(line["log_level"], line["event"], line["status"]) for line in logs] == [("info", "request", 499)]


async def test_a_body_that_does_not_come_in_time_is_408_and_ends_the_connection(monkeypatch):
    monkeypatch.setattr(form, "BODY_SECONDS", 0.01)
    transport = httpx.ASGITransport(APP)

    async def endless():
        yield b"a"
        await asyncio.sleep(10)

    headers = {"content-type": "application/x-www-form-urlencoded"}
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as opened:
        response = await opened.post("/read", content=endless(), headers=headers)
    assert (response.status_code, response.json()["error"]) == (408, "invalid_request")
    assert response.headers["connection"] == "close"


def asgi_call(path, *messages, method="POST", **headers):
    """Send a request's parts one by one; what was sent back, and how many parts were taken."""
    left, sent = list(messages), []

    async def receive():
        return left.pop(0) if left else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": headers.pop("http_version", "1.1"),
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.1", 1),
        "extensions": {},
    }
    return APP(scope, receive, send), sent, left


async def test_a_body_that_nobody_read_is_out_of_the_way_before_the_answer():
    parts = [{"type": "http.request", "body": b"x", "more_body": more} for more in (True, True, False)]
    serve, sent, left = asgi_call("/nothing", *parts, content_length="3")
    await serve
    assert left == []
    assert b"connection" not in dict(sent[0]["headers"])


async def test_an_answer_before_a_body_that_does_not_come_says_that_the_connection_ends(monkeypatch):
    monkeypatch.setattr(request_body, "_SECONDS", 0.05)
    part = {"type": "http.request", "body": b"x", "more_body": True}
    serve, sent, _left = asgi_call("/nothing", part, content_length="3")
    await serve
    assert dict(sent[0]["headers"])[b"connection"] == b"close"
    serve, sent, _left = asgi_call("/nothing", part, content_length="3", http_version="2")
    await serve
    assert b"connection" not in dict(sent[0]["headers"])


async def test_an_endless_body_that_nobody_read_is_not_read_for_ever():
    part = {"type": "http.request", "body": b"x" * 65536, "more_body": True}
    serve, sent, left = asgi_call("/nothing", *[part] * 20, transfer_encoding="chunked")
    await serve
    assert len(left) == 16
    assert dict(sent[0]["headers"])[b"connection"] == b"close"


async def test_a_body_announced_as_too_large_is_not_read_at_all():
    serve, sent, left = asgi_call("/ok", {"type": "http.request", "body": b"x"}, content_length="99999999")
    await serve
    assert len(left) == 1
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"connection"]) == (413, b"close")

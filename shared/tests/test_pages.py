"""The shared look: escaped, strict, and its assets addressed by their content."""

import httpx
import pytest
from jinja2 import UndefinedError
from starlette.requests import Request
from starlette.routing import Router

from tessera_shared.http.openapi import routes
from tessera_shared.http.pages import load_pages


@pytest.fixture(scope="module")
def pages():
    return load_pages()


@pytest.fixture
def request_():
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [],
            "query_string": b"",
            "state": {"request_id": "id-12345"},
        }
    )


def test_error_page_says_what_to_do_and_what_to_tell_whom_is_asked(pages, request_):
    page = pages.error_page(request_, "Not possible", "Start <again>.", "invalid_request", 400)
    html = page.body.decode()
    assert page.status_code == 400
    assert "Start &lt;again&gt;." in html
    assert "invalid_request" in html
    assert "id-12345" in html
    assert '<html lang="en" dir="ltr">' in html
    assert "<title>Not possible · Tessera</title>" in html


def test_error_page_cannot_be_framed_or_stored(pages, request_):
    headers = pages.error_page(request_, "t", "m", "e", 400).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_value_that_a_template_misses_is_an_error(pages):
    with pytest.raises(UndefinedError):
        pages.render("error.html", title="only this")


async def test_every_asset_is_served_at_its_address_and_cached_for_good(pages):
    app = Router(routes(pages.endpoints()))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://idp.example")
    html = pages.render("error.html", title="t", message="m", error_code="e", request_id="r")
    assert pages.assets["tessera.css"].url in html
    for asset in pages.assets.values():
        response = await client.get(asset.url)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(asset.media_type)
        assert "immutable" in response.headers["cache-control"]
        assert response.content == asset.content


def test_pages_need_nothing_from_elsewhere(pages):
    html = pages.render("error.html", title="t", message="m", error_code="e", request_id="r")
    css = pages.assets["tessera.css"].content.decode()
    assert "http" not in html
    assert "url(" not in css
    assert "style=" not in html

"""A real browser, and a client application for it to come back to."""

import os
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from e2e.browser import Answer
from e2e.clients import ROOT

SCREENSHOTS = ROOT / "artifacts" / "screenshots"
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 800}}
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
)


class Callback:
    """A server in the place of the client's redirect URI; remembers what the browser brought."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        callback = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                callback.take(self.path, None)
                self._reply()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                callback.take(self.path, dict(parse_qsl(body, keep_blank_values=True)))
                self._reply()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _reply(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!doctype html><title>Client</title><h1>Back at the client</h1>")

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    def take(self, path: str, posted: dict[str, str] | None) -> None:
        """Note an answer; what a browser asks for by itself (its icon) is none."""
        query = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))
        if query or posted:
            self.answers.append(Answer(path, query, posted))

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Run it."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


@dataclass(slots=True)
class Tab:
    """A page, and what must not happen on it."""

    page: Page
    callback: Callback
    problems: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    async def answer(self) -> Answer:
        """Wait until the browser is back at the client, and return what it brought."""
        await self.page.wait_for_url("http://localhost:3000/**", timeout=30_000)
        return self.callback.answers[-1]

    async def has(self, selector: str) -> bool:
        """Whether the page has such an element."""
        return await self.page.locator(selector).count() > 0

    async def log_in(self, username: str, password: str) -> None:
        """Type name and password, and press the button."""
        await self.page.fill("#username", username)
        await self.page.fill("#password", password)
        await self.page.click("#login")

    async def screenshot(self, name: str) -> Path:
        """Keep a picture."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        await self.page.screenshot(path=path, full_page=True)
        return path


@asynccontextmanager
async def chromium(callback: Callback) -> AsyncIterator[Browser]:
    """Chromium, for which the client's redirect URI leads to `callback`."""
    arguments = [*_QUIET, f"--host-resolver-rules=MAP localhost:3000 127.0.0.1:{callback.port}"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=arguments)
        yield browser
        await browser.close()


@asynccontextmanager
async def tab(browser: Browser, callback: Callback, own: tuple[str, ...], **options: Any) -> AsyncIterator[Tab]:
    """A tab in a fresh profile that notes problems, and requests that leave the stack."""
    context: BrowserContext = await browser.new_context(**options)
    made = Tab(await context.new_page(), callback)
    allowed = (*own, "http://localhost:3000/", "data:", "https://tea.example/")
    made.page.on("console", lambda said: made.problems.append(said.text) if said.type == "error" else None)
    made.page.on("pageerror", lambda error: made.problems.append(str(error)))
    made.page.on("request", lambda sent: None if sent.url.startswith(allowed) else made.foreign.append(sent.url))
    await context.route("https://tea.example/**", lambda route: route.fulfill(body=_LOGO, content_type="image/svg+xml"))
    try:
        yield made
    finally:
        await context.close()


def executable() -> str:
    """The program that `make test` found, else one of the usual names."""
    names = (os.environ.get("TESSERA_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = [path for name in names if name and (path := shutil.which(name))]
    assert found, "no Chromium: name one by TESSERA_CHROMIUM"
    return found[0]


_LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" fill="#7a4b2a"/>
<path d="M10 18h22v8a11 11 0 0 1-22 0z" fill="#fff"/></svg>"""

"""Chromium for the tests: one program, tabs in fresh profiles, and the client that they come back to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser as Chromium

from e2e.chromium import Callback, Tab, chromium, tab
from e2e.stack import Stack

_REFUSALS = ("400", "403", "409", "410")
"""What Chromium says of pages that tell what is wrong with a form or a link."""

OpenTab = Callable[..., Awaitable[Tab]]


@pytest_asyncio.fixture(scope="session")
async def callback() -> AsyncIterator[Callback]:
    """The client's place."""
    made = Callback()
    with made.serve():
        yield made


@pytest_asyncio.fixture(scope="session")
async def browser_program(callback: Callback) -> AsyncIterator[Chromium]:
    """One Chromium for all tests."""
    async with chromium(callback) as started:
        yield started


@pytest_asyncio.fixture
async def open_tab(
    browser_program: Chromium, callback: Callback, stack: Stack, request: pytest.FixtureRequest
) -> AsyncIterator[OpenTab]:
    """Opens tabs in fresh profiles. Whatever a test does, no page may leave the stack or have errors."""
    own = tuple(f"{url}/" for url in (*stack.urls.values(), stack.mail) if url)
    headers = {"x-request-id": request.node.name.replace("[", "-").strip("]")[:60]}
    tabs: list[Tab] = []
    async with AsyncExitStack() as opened:

        async def open_one(**options: Any) -> Tab:
            tabs.append(
                await opened.enter_async_context(
                    tab(browser_program, callback, own, extra_http_headers=headers, **options)
                )
            )
            return tabs[-1]

        yield open_one
    for each in tabs:
        assert each.foreign == []
        assert [problem for problem in each.problems if not any(code in problem for code in _REFUSALS)] == []

"""What a machine can see of a page: it fits, it has the right scheme, and axe-core finds nothing (WCAG 2.2 AA)."""

from functools import cache
from typing import Any, Literal

from e2e.chromium import SIZES, Tab
from e2e.interop.node import FOLDER, install

Scheme = Literal["light", "dark"]
LOOKS: tuple[tuple[Scheme, str], ...] = (("light", "phone"), ("light", "desk"), ("dark", "phone"), ("dark", "desk"))
SEEN_BY_AXE: tuple[tuple[Scheme, str], ...] = (("light", "phone"), ("dark", "desk"))
"""Each scheme once and each size once: no rule of axe-core depends on both."""
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"


async def every_look(shown: Tab, name: str) -> None:
    """Keep a picture of the page in light and dark, on a phone and on a desk, and check each.

    Args:
        shown: Where the page is.
        name: Of the pictures.

    """
    for scheme, size in LOOKS:
        await take_look(shown, scheme, size)
        await _looks_good(shown, f"{name}-{scheme}-{size}", scheme)
        if (scheme, size) in SEEN_BY_AXE:
            found = await violations(shown)
            assert not found, "\n".join((name, *found))


async def take_look(shown: Tab, scheme: Scheme, size: str) -> None:
    """Show the page in a scheme, on a phone or on a desk, without the moments in which colours change."""
    await shown.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await shown.page.set_viewport_size(SIZES[size])


async def _looks_good(shown: Tab, name: str, scheme: str) -> None:
    path = await shown.screenshot(name)
    assert path.stat().st_size > 5_000, name
    width = await shown.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1], name
    colour = await shown.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).map(Number)")
    assert (sum(colour[:3]) < 3 * 128) is (scheme == "dark"), name
    assert await shown.page.locator("h1").count() == 1, name
    assert await shown.page.locator("main").count() == 1, name
    assert (await shown.page.title()).endswith("Tessera"), name


async def violations(shown: Tab) -> list[str]:
    """What axe-core finds, as lines that say what is wrong where."""
    await shown.page.evaluate(_axe())
    found: dict[str, Any] = await shown.page.evaluate(_RUN, _TAGS)
    return [
        f"{one['id']}: {one['help']}: {node['html'][:300]} ({node.get('failureSummary', '')})"
        for one in found["violations"]
        for node in one["nodes"]
    ]


@cache
def _axe() -> str:
    install()
    return (FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

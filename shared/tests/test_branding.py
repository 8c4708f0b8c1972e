"""The operator's name, logo and colours: taken when they can be read, refused when they cannot."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.routing import Router

from tessera_shared import colour
from tessera_shared.branding import DARK_PAGE, LIGHT_PAGE, Branding, on_accent, soft, stylesheet
from tessera_shared.errors import StartupError
from tessera_shared.http.openapi import routes
from tessera_shared.http.pages import load_pages

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)
ERROR = {"title": "t", "message": "m", "error_code": "e", "request_id": "r"}


def test_contrast_is_as_wcag_defines_it():
    assert colour.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert colour.contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)  # #777 is just too light


@pytest.mark.parametrize(
    "unreadable",
    [
        {"accent": "#ffee00"},
        {"accent": "#777777"},
        {"accent_dark": "#223344"},
        {"accent": "red"},
        {"accent": "#12345g"},
    ],
)
def test_colour_that_cannot_be_read_is_refused(unreadable):
    with pytest.raises(ValidationError):
        Branding(**unreadable)


@given(COLOURS, st.sampled_from([("accent", LIGHT_PAGE), ("accent_dark", DARK_PAGE)]))
def test_what_is_taken_can_be_read_on_the_page_where_marked_and_on_buttons(accent, where):
    name, page = where
    try:
        Branding(**{name: colour.text_of(accent)})
    except ValidationError:
        return
    for text, ground in ((accent, page), (accent, soft(accent, page)), (on_accent(accent), accent)):
        assert colour.contrast(text, ground) >= 4.5


def test_colours_of_the_operator_are_in_the_stylesheet():
    css = stylesheet(Branding(accent="#006644", accent_dark="#66ddaa"))
    assert "--accent: #006644;" in css
    assert "--accent: #66ddaa;" in css.split("prefers-color-scheme: dark")[1]


async def test_name_logo_and_help_are_on_every_page(tmp_path):
    logo = tmp_path / "logo.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    pages = load_pages(branding=Branding(name="A & B", logo_file=logo, support_url="https://help.example/"))
    html = pages.render("error.html", **ERROR)
    assert "<span>A &amp; B</span>" in html
    assert "<title>t · A &amp; B</title>" in html
    assert 'href="https://help.example/"' in html
    assert f'<img class="logo" src="{pages.assets["logo"].url}" alt="">' in html
    client = httpx.AsyncClient(transport=httpx.ASGITransport(Router(routes(pages.endpoints()))), base_url="http://x")
    assert (await client.get(pages.assets["logo"].url)).headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("name", ["logo.gif", "missing.svg"])
def test_logo_that_pages_cannot_show_stops_the_start(tmp_path, name):
    (tmp_path / "logo.gif").write_bytes(b"GIF89a")
    with pytest.raises(StartupError, match=r"logo|missing"):
        load_pages(branding=Branding(logo_file=tmp_path / name))


def test_default_language_is_for_those_who_wish_for_none_and_must_be_one_that_there_is():
    assert load_pages(branding=Branding(default_language="de")).default_language == "de"
    with pytest.raises(StartupError, match="default_language"):
        load_pages(branding=Branding(default_language="tlh"))

"""Pages in several languages: catalogues, the choice of the user, and what is never taken for safe HTML."""

from datetime import UTC, datetime

import pytest
from jinja2 import DictLoader
from starlette.requests import Request

from tessera_shared.http.pages import load_pages
from tessera_shared.http.pages.languages import load_languages


@pytest.fixture(scope="module")
def pages():
    return load_pages()


def request(query: str = "", **headers: str) -> Request:
    encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "headers": encoded}
    return Request({**scope, "state": {"request_id": "id-12345"}})


def test_there_are_english_and_at_least_two_more_languages(pages):
    assert {"en", "de", "fr"} <= set(pages.languages)
    assert [pages.languages[tag].name for tag in ("en", "de", "fr")] == ["English", "Deutsch", "Français"]


def test_page_says_its_language(pages):
    page = pages.error_page(request(accept_language="de-CH, en;q=0.5"), "Not available", "m", "e", 503)
    assert page.headers["content-language"] == "de"
    assert '<html lang="de" dir="ltr">' in page.body.decode()
    assert "Nicht erreichbar" in page.body.decode()


def test_user_s_choice_is_kept_and_goes_before_what_client_and_browser_wish(pages):
    asked = request("lang=fr&ui_locales=de", accept_language="en")
    assert pages.language(asked) == "fr"
    assert "tessera_language=fr" in pages.error_page(asked, "t", "m", "e", 400).headers["set-cookie"]
    assert pages.language(request(cookie="tessera_language=fr", accept_language="de"), "de") == "fr"


def test_client_s_ui_locales_go_before_the_browser_s_languages(pages):
    assert pages.language(request(accept_language="de"), "nl fr-CA") == "fr"
    assert pages.language(request("ui_locales=fr", accept_language="de")) == "fr"


def test_language_that_there_is_not_falls_back_to_the_default(pages):
    unknown = request("lang=xx", cookie="tessera_language=yy", accept_language="zz, *")
    assert pages.language(unknown, "qq") == "en"
    assert "set-cookie" not in pages.error_page(unknown, "t", "m", "e", 400).headers


def test_text_without_a_translation_is_shown_in_english(pages):
    assert pages.languages["de"].gettext("No catalogue has this") == "No catalogue has this"
    assert pages.languages["de"].gettext("") == ""


def test_translated_text_is_escaped_like_any_other(pages):
    environment = pages.environments["de"].overlay(
        loader=DictLoader({"x.html": "{{ _(text) }} {{ _('%(a)s', a=text) }}"})
    )
    assert environment.get_template("x.html").render(text="<b>") == "&lt;b&gt; &lt;b&gt;"


def test_times_are_written_as_the_language_does(pages):
    when = datetime(2026, 3, 5, 9, 7, tzinfo=UTC)
    assert pages.languages["de"].time(when) == (
        '<time datetime="2026-03-05T09:07:00+00:00">5. März 2026, 09:07 UTC</time>'
    )


@pytest.mark.parametrize(
    ("zone", "language", "shown"),
    [
        ("Europe/Berlin", "de", "5. Juli 2026, 11:07 MESZ"),
        ("Europe/Berlin", "en", "Jul 5, 2026, 11:07\u202fAM UTC+02:00"),
        ("America/New_York", "en", "Jul 5, 2026, 5:07\u202fAM EDT"),
        ("Asia/Kathmandu", "de", "5. Juli 2026, 14:52 UTC+05:45"),
        ("UTC", "fr", "5 juil. 2026, 09:07 UTC"),
        (None, "de", "5. Juli 2026, 09:07 UTC"),
        ("", "de", "5. Juli 2026, 09:07 UTC"),
        ("Europe", "de", "5. Juli 2026, 09:07 UTC"),
        ("../../etc/passwd", "de", "5. Juli 2026, 09:07 UTC"),
        ("Wonderland/Tea\0", "de", "5. Juli 2026, 09:07 UTC"),
        (7, "de", "5. Juli 2026, 09:07 UTC"),
    ],
)
def test_times_are_told_in_the_reader_s_zone_and_it_is_named(pages, zone, language, shown):
    when = datetime(2026, 7, 5, 9, 7, tzinfo=UTC)
    assert pages.languages[language].written_time(when, zone) == shown
    template = pages.environments[language].from_string("{{ at|time }} {{ at|written_time }}")
    machine = f'<time datetime="2026-07-05T09:07:00+00:00">{shown}</time> {shown}'
    assert template.render(at=when, time_zone=zone) == machine


def test_catalogue_that_is_not_well_formed_stops_the_start(tmp_path, monkeypatch):
    (tmp_path / "broken" / "locales").mkdir(parents=True)
    (tmp_path / "broken" / "__init__.py").touch()
    (tmp_path / "broken" / "locales" / "de.po").write_text('msgid "a\nnonsense')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"de\.po: "):
        load_languages(["broken"])

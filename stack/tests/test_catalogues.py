"""Every text that pages and mails show is translated, and nothing is lost on the way."""

import pytest

from stack import catalogues
from stack.catalogues import LANGUAGES, PLACES, Place, languages_of, problems, update

PO = 'msgid ""\nmsgstr ""\n"Language: de\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", PLACES, ids=[place.sources.name for place in PLACES])
def test_every_text_is_translated(place, language):
    assert problems(place, language) == []


def test_there_are_texts():
    assert all(len(catalogues._texts(place)) > 10 for place in PLACES)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "locales").mkdir()
    (tmp_path / "rules.py").write_text('X = N_("Marked")\nraise OAuthError("invalid_request", "Shown", status=400)\n')
    (tmp_path / "other.py").write_text('raise OAuthError("invalid_request", "Told to clients only")\n')
    (tmp_path / "templates" / "a.html").write_text(
        '{{ _("Here") }}\n{% trans name=x %}Hello,\n  <b id="n">{{ name }}</b>{% endtrans %}\n'
    )
    (tmp_path / "templates" / "a.txt").write_text('{{ _("There") }}\n')
    return Place(tmp_path, tmp_path / "locales", ("rules.py",))


def test_texts_are_found_in_python_templates_and_refusals_that_pages_show(place):
    found = {text.id for text in catalogues._texts(place) if text.id}
    assert found == {"Marked", "Shown", "Here", "There", 'Hello, <b id="n">%(name)s</b>'}


def test_new_texts_are_put_in_old_ones_taken_out_and_translations_kept(place):
    file = place.locales / "de.po"
    file.write_text(f'{PO}msgid "Here"\nmsgstr "Hier"\n\nmsgid "Gone"\nmsgstr "Weg"\n')
    update(place, "de")
    text = file.read_text()
    assert 'msgid "Here"\nmsgstr "Hier"' in text
    assert 'msgid "There"\nmsgstr ""' in text
    assert "Gone" not in text
    assert len(problems(place, "de")) == 4
    update(place, "de")
    assert file.read_text() == text


@pytest.mark.parametrize("translated", ["Hallo, %(nam)s", "Hallo", 'Hallo, <b id=\\"m\\">%(name)s</b>'])
def test_placeholders_and_tags_must_come_through(place, translated):
    text = 'Hello, <b id=\\"n\\">%(name)s</b>'
    (place.locales / "de.po").write_text(f'{PO}msgid "{text}"\nmsgstr "{translated}"\n')
    assert any(problem.startswith("another placeholder") for problem in problems(place, "de"))


def test_doubtful_translation_does_not_count(place):
    (place.locales / "de.po").write_text(f'{PO}#, fuzzy\nmsgid "Here"\nmsgstr "Hier"\n')
    assert "doubtful (fuzzy): Here" in problems(place, "de")


def test_every_catalogue_that_is_there_is_looked_at(place):
    (place.locales / "nl.po").write_text(PO)
    assert languages_of(place) == ["de", "fr", "nl"]

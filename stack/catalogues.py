"""The catalogues of the pages' languages: which texts there are, which lack a translation, and new texts put in.

`python -m stack.catalogues` brings every `locales/*.po` up to date; docs/translating.md says how to add a language.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

__all__ = ["LANGUAGES", "PLACES", "Place", "languages_of", "problems", "update"]

ROOT = Path(__file__).parents[1]
LANGUAGES = ("de", "fr")
"""Complete in every release; others may lack what was added lately, which is then shown in English."""
_Keywords = dict[str, tuple[int, ...] | None]

_KEYWORDS: _Keywords = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}
_REFUSAL_KEYWORDS: _Keywords = {**_KEYWORDS, "OAuthError": (2,)}
_HEADER = """# Texts of pages and mails; docs/translating.md says how to change them and how to add a language.
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: nplurals={plurals}; plural={rule};\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
_KEPT = re.compile(r"%\(\w+\)s|%%|<[^>]+>")
"""What a translation must have as the text has it: placeholders and tags."""


@dataclass(frozen=True, slots=True)
class Place:
    """A package with texts.

    Attributes:
        sources: Where its Python files and templates are.
        locales: Where its catalogues are.
        refusals: Files whose `OAuthError` descriptions users see on pages.

    """

    sources: Path
    locales: Path
    refusals: tuple[str, ...] = ()


PLACES = (
    Place(
        ROOT / "shared" / "tessera_shared",
        ROOT / "shared" / "tessera_shared" / "http" / "pages" / "locales",
        ("http/form.py", "throttle.py"),
    ),
    Place(
        ROOT / "services" / "authz" / "tessera_authz",
        ROOT / "services" / "authz" / "tessera_authz" / "locales",
        ("endpoints/authorize.py", "endpoints/request_reader.py", "protocol/authorization_request.py"),
    ),
    Place(
        ROOT / "services" / "idp" / "tessera_idp",
        ROOT / "services" / "idp" / "tessera_idp" / "locales",
        ("**/*.py",),
    ),
)


def problems(place: Place, language: str) -> list[str]:
    """What is wrong with a catalogue: texts without a translation, doubtful ones, lost placeholders and tags."""
    return list(_problems(_texts(place), _read(place, language)))


def update(place: Place, language: str) -> None:
    """Put new texts in, without a translation, and take out those that are gone."""
    catalogue = _read(place, language)
    fresh = Catalog(locale=language.replace("-", "_"))
    for text in (text for text in _texts(place) if text.id):
        known = catalogue.get(text.id)
        fresh.add(text.id, known.string if known else "", flags=known.flags if known else ())
    file = place.locales / f"{language}.po"
    if not len(fresh):
        file.unlink(missing_ok=True)
        return
    place.locales.mkdir(exist_ok=True)
    written = BytesIO()
    write_po(written, fresh, width=0, no_location=True, omit_header=True, sort_output=True)
    header = _HEADER.format(language=language, plurals=fresh.num_plurals, rule=fresh.plural_expr)
    file.write_text(header + written.getvalue().decode("utf-8").strip() + "\n", encoding="utf-8")


def languages_of(place: Place) -> list[str]:
    """The languages that a place has catalogues of, and those that are complete in every release."""
    return sorted({*LANGUAGES, *(file.stem for file in place.locales.glob("*.po"))})


def _problems(texts: Catalog, catalogue: Catalog) -> Iterator[str]:
    for text in (text for text in texts if text.id):
        translated = catalogue.get(text.id)
        if translated is None or not all(_strings(translated.string)):
            yield f"no translation: {_strings(text.id)[0]}"
        elif translated.fuzzy:
            yield f"doubtful (fuzzy): {_strings(text.id)[0]}"
        elif any(
            _kept(string) not in [_kept(one) for one in _strings(text.id)] for string in _strings(translated.string)
        ):
            yield f"another placeholder or tag: {_strings(text.id)[0]}"


def _strings(value: str | Sequence[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ("",))


def _kept(text: str) -> list[str]:
    return sorted(_KEPT.findall(text))


def _texts(place: Place) -> Catalog:
    """Every text of a place, by its marks: `N_`, `_`, `{% trans %}`, and refusals that pages show."""
    found = Catalog()
    refusals = {file for pattern in place.refusals for file in place.sources.glob(pattern)}
    for file in sorted(place.sources.rglob("*.py")):
        keywords = _REFUSAL_KEYWORDS if file in refusals else _KEYWORDS
        _add(found, "python", file, keywords, {})
    for file in sorted(file for kind in ("html", "txt") for file in place.sources.rglob(f"templates/**/*.{kind}")):
        _add(found, "jinja2.ext:babel_extract", file, _KEYWORDS, {"trimmed": "true", "silent": "false"})
    return found


def _add(found: Catalog, method: str, file: Path, keywords: _Keywords, options: dict[str, str]) -> None:
    for _, text, _, _ in extract_from_file(method, file, keywords=keywords, options=options):
        found.add(text)


def _read(place: Place, language: str) -> Catalog:
    file = place.locales / f"{language}.po"
    locale = language.replace("-", "_")
    if not file.exists():
        return Catalog(locale=locale)
    with file.open("rb") as source:
        return read_po(source, locale=locale, abort_invalid=True)


if __name__ == "__main__":
    for each in PLACES:
        for tag in languages_of(each):
            update(each, tag)
            for problem in problems(each, tag):
                print(f"{each.locales.relative_to(ROOT)}/{tag}.po: {problem}")

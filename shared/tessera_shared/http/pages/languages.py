"""The languages of the pages: English stands in the templates, each other one in a package's `locales/<tag>.po`."""

import gettext
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from importlib.resources.abc import Traversable
from io import BytesIO

from babel import Locale
from babel.dates import format_skeleton, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from markupsafe import Markup

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Attributes:
        tag: As HTML's `lang` takes it (RFC 5646).
        name: In the language itself.
        direction: Of its writing, as HTML's `dir` takes it.
        translations: Of the texts in templates.

    """

    tag: str
    name: str
    direction: str
    translations: gettext.NullTranslations

    def gettext(self, text: str, **values: object) -> str:
        """The text in this language; placeholders such as `%(name)s` are filled in when values are given."""
        translated = self.translations.gettext(text) if text else ""  # the empty text has the catalogue's header
        return translated % values if values else translated

    def ngettext(self, singular: str, plural: str, n: int, **values: object) -> str:
        """The text for a number."""
        return self.translations.ngettext(singular, plural, n) % {"num": n, **values}

    def time(self, value: datetime) -> Markup:
        """A point in time as this language writes it, readable by machines too; in UTC."""
        locale, utc = _locale(self.tag), value.astimezone(UTC)
        shown = f"{format_skeleton('yMMMd', utc, locale=locale)}, {format_time(utc, 'short', locale=locale)}"
        return Markup('<time datetime="{}">{} UTC</time>').format(value.isoformat(timespec="seconds"), shown)


def load_languages(packages: Iterable[str]) -> Mapping[str, Language]:
    """English and every language that a package has a catalogue of, by tag.

    Raises:
        OSError: A catalogue cannot be read.
        ValueError: A catalogue is not well-formed, or no language is named so.

    """
    found: dict[str, gettext.NullTranslations] = {ENGLISH: gettext.NullTranslations()}
    for package in packages:
        folder = resources.files(package) / "locales"
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name) if folder.is_dir() else ():
            if file.name.endswith(".po"):
                tag = file.name.removesuffix(".po")
                found.setdefault(tag, gettext.NullTranslations()).add_fallback(_read(file, tag))
    return {tag: _language(tag, translations) for tag, translations in sorted(found.items())}


def _read(file: Traversable, tag: str) -> gettext.GNUTranslations:
    compiled = BytesIO()
    try:
        with file.open("rb") as source:
            write_mo(compiled, read_po(source, locale=tag.replace("-", "_"), abort_invalid=True))
    except PoFileError as error:
        raise ValueError(f"{file}: {error}") from error
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _language(tag: str, translations: gettext.NullTranslations) -> Language:
    locale = _locale(tag)
    name = locale.get_language_name(tag) or tag
    return Language(tag, name[:1].upper() + name[1:], locale.text_direction, translations)


def _locale(tag: str) -> Locale:
    return Locale.parse(tag, sep="-")

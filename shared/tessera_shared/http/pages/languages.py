"""The languages of the pages: English stands in the templates, each other one in a package's `locales/<tag>.po`."""

import gettext
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from importlib import resources
from importlib.resources.abc import Traversable
from io import BytesIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_datetime, format_skeleton, format_time
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

    def time(self, value: datetime, zone: object = None) -> Markup:
        """A point in time as `written_time` has it, readable by machines too."""
        shown = self.written_time(value, zone)
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="seconds"), shown)

    def written_time(self, value: datetime, zone: object = None) -> str:
        """A point in time as this language writes it, with the zone that it is told in.

        Args:
            value: When.
            zone: The reader's, as the claim zoneinfo has it (OpenID Connect Core §5.1); without a known one UTC.

        """
        locale, local = _locale(self.tag), value.astimezone(_zone(zone))
        day = format_skeleton("yMMMd", local, tzinfo=local.tzinfo, locale=locale)
        return f"{day}, {format_time(local, 'short', locale=locale)} {_zone_name(local, locale)}"


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


def _zone(name: object) -> tzinfo:
    try:
        return ZoneInfo(name) if isinstance(name, str) and name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a claim may say anything, the name of a folder too
        return UTC


def _zone_name(local: datetime, locale: Locale) -> str:
    """What people who speak this language call the zone at that time, else its distance from UTC."""
    if not local.utcoffset():
        return "UTC"
    name, distance = format_datetime(local, "z", tzinfo=local.tzinfo, locale=locale), f"{local:%z}"
    return name if name.isalpha() else f"UTC{distance[:3]}:{distance[3:5]}"


def _locale(tag: str) -> Locale:
    return Locale.parse(tag, sep="-")

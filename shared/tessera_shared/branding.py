"""The operator's name, logo and colours, on the pages of authz and idp alike and in mails."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from tessera_shared import colour
from tessera_shared.colour import Rgb
from tessera_shared.config import Section

LIGHT_PAGE: Rgb = (255, 255, 255)
DARK_PAGE: Rgb = (23, 24, 29)
"""What stands behind text on the pages, as the stylesheet has it."""
_READABLE = 4.5
"""WCAG 2.2 §1.4.3."""
_SOFT = {LIGHT_PAGE: 0.92, DARK_PAGE: 0.84}
"""The share of the page in the ground of marked text, which is in the accent colour itself."""


def _on_light(value: str) -> str:
    return _readable(value, LIGHT_PAGE, "the light page")


def _on_dark(value: str) -> str:
    return _readable(value, DARK_PAGE, "the dark page")


def _readable(value: str, page: Rgb, name: str) -> str:
    accent = colour.parse(value)
    ratio = min(colour.contrast(accent, page), colour.contrast(accent, soft(accent, page)))
    if ratio < _READABLE:
        raise ValueError(f"{value} has a contrast of {ratio:.1f} to {name}; {_READABLE} is needed (WCAG 2.2 §1.4.3)")
    return value


def _web_address(value: str) -> str:
    if not value.startswith(("https://", "http://", "mailto:")):
        raise ValueError("must be an http(s) URL, or mailto:")
    return value


class Branding(Section):
    """How the pages look, and in which language they come to those who wish for none."""

    name: str = Field(default="Tessera", min_length=1, max_length=60)
    logo_file: Path | None = None
    accent: Annotated[str, AfterValidator(_on_light)] = "#3350d6"
    accent_dark: Annotated[str, AfterValidator(_on_dark)] = "#93a6ff"
    support_url: Annotated[str, AfterValidator(_web_address)] | None = None
    default_language: str = "en"


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours as HTML that has no stylesheet writes them, such as a mail."""

    accent: str
    on_accent: str
    soft: str
    accent_dark: str
    on_accent_dark: str
    soft_dark: str

    @classmethod
    def of(cls, branding: Branding) -> "Colours":
        """Those of a branding."""
        light, dark = colour.parse(branding.accent), colour.parse(branding.accent_dark)
        return cls(
            accent=branding.accent,
            on_accent=colour.text_of(on_accent(light)),
            soft=colour.text_of(soft(light, LIGHT_PAGE)),
            accent_dark=branding.accent_dark,
            on_accent_dark=colour.text_of(on_accent(dark)),
            soft_dark=colour.text_of(soft(dark, DARK_PAGE)),
        )


def stylesheet(branding: Branding) -> str:
    """The colours as CSS, to stand behind the stylesheet of the pages."""
    light = _variables(colour.parse(branding.accent), LIGHT_PAGE)
    dark = _variables(colour.parse(branding.accent_dark), DARK_PAGE)
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


def soft(accent: Rgb, page: Rgb) -> Rgb:
    """The ground of what is marked by the accent colour."""
    return colour.mix(accent, page, _SOFT[page])


def on_accent(accent: Rgb) -> Rgb:
    """The colour of text on the accent colour: black or white, whichever is read more easily."""
    black, white = (13, 19, 51), (255, 255, 255)
    return max((black, white), key=lambda text: colour.contrast(text, accent))


def _variables(accent: Rgb, page: Rgb) -> str:
    away_from_page = (0, 0, 0) if page == LIGHT_PAGE else (255, 255, 255)
    values = {
        "accent": accent,
        "accent-strong": colour.mix(accent, away_from_page, 0.2),
        "on-accent": on_accent(accent),
        "accent-soft": soft(accent, page),
    }
    return " ".join(f"--{name}: {colour.text_of(value)};" for name, value in values.items())

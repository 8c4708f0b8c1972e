"""Which language a page is shown in: pure, over language tags (RFC 5646, RFC 4647 §3.4)."""

import re
from collections.abc import Collection, Iterable

_MOST_RANGES = 20
"""Of what a browser or client names: nobody prefers more languages than that."""
_RANGE = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7}|\*)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*"
)


def choose_language(wishes: Iterable[Iterable[str]], available: Collection[str], default: str) -> str:
    """The first language of the first wish that can be met, else the default.

    Args:
        wishes: Language ranges, each list ordered by preference, the strongest list first.
        available: Tags of the languages there are.
        default: The language for all who wish for none of them.

    """
    for ranges in wishes:
        for wished in ranges:
            found = lookup(wished, available)
            if found is not None:
                return found
    return default


def lookup(wished: str, available: Collection[str]) -> str | None:
    """The available language that is nearest to a range: `de-AT` is met by `de` (RFC 4647 §3.4)."""
    tags = {tag.lower(): tag for tag in available}
    rest = wished.lower()
    while rest:
        if rest in tags:
            return tags[rest]
        rest = rest.rpartition("-")[0]
    return None


def from_ui_locales(ui_locales: str | None) -> list[str]:
    """The languages of `ui_locales`, ordered by preference (OpenID Connect Core §3.1.2.1)."""
    return (ui_locales or "").split()[:_MOST_RANGES]


def from_accept_language(header: str | None) -> list[str]:
    """The ranges of Accept-Language, ordered by weight (RFC 9110 §12.5.4); what is not well-formed is left out."""
    weighted = []
    for part in (header or "").split(",")[:_MOST_RANGES]:
        match = _RANGE.fullmatch(part)
        if match and float(match[2] or 1) > 0:
            weighted.append((-float(match[2] or 1), match[1]))
    return [wished for _, wished in sorted(weighted, key=lambda pair: pair[0])]

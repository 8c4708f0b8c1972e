"""The standard claims that users enter themselves (OpenID Connect Core §5.1): which values they may have."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from tessera_shared.translatable import N_

_MAX_LINE = 200
_MAX_URL = 1000
_BIRTHDATE = re.compile(r"(?P<year>\d{4})(-(?P<month>\d{2})-(?P<day>\d{2}))?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_PHONE = re.compile(r"\+[1-9](?:[ ().-]{0,2}\d){5,14}")
_LEAP_YEAR = 2000
_JOINERS = str.maketrans("", "", "\u200c\u200d")
"""Not seen, and yet part of names in Persian, Sinhala or Malayalam, and of emoji (Unicode §23.2)."""

ADDRESS = ("street_address", "postal_code", "locality", "region", "country")
"""The members of the address claim (§5.1.1), in the order that most of the world writes them."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What was entered.

    Attributes:
        claims: The claims; those left empty are not there.
        problems: By field: why its value cannot be taken.

    """

    claims: Mapping[str, Any]
    problems: Mapping[str, str]


def read_profile(typed: Mapping[str, str], zones: Collection[str]) -> Entered:
    """The claims of a form.

    Args:
        typed: The fields by name.
        zones: The names of time zones there are.

    """
    checks = _checks(zones)
    claims: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name in FIELDS:
        text = typed.get(name, "").replace("\r\n", "\n").strip()
        problem = checks[name](text) if text else None
        if problem is not None:
            problems[name] = problem
        elif text:
            claims[name] = text
    address = {name: claims.pop(name) for name in ADDRESS if name in claims}
    if address:
        claims["address"] = {**address, "formatted": _formatted(address)}
    return Entered(claims, problems)


def changed(before: Mapping[str, Any], entered: Mapping[str, Any]) -> dict[str, Any]:
    """All claims of a user after the form; a telephone number that was changed is not verified any more."""
    kept = {name: value for name, value in before.items() if name not in (*FIELDS, "address", "phone_number_verified")}
    phone = entered.get("phone_number")
    if phone is not None:
        is_same = phone == before.get("phone_number")
        kept["phone_number_verified"] = bool(is_same and before.get("phone_number_verified"))
    return {**kept, **entered}


def as_typed(claims: Mapping[str, Any]) -> dict[str, str]:
    """The fields that show these claims."""
    address = claims.get("address")
    members = address if isinstance(address, Mapping) else {}
    known = {**claims, **members}
    return {name: str(known.get(name) or "") for name in FIELDS}


def _formatted(address: Mapping[str, str]) -> str:
    city = " ".join(address[name] for name in ("postal_code", "locality") if name in address)
    lines = (address.get("street_address"), city, address.get("region"), address.get("country"))
    return "\n".join(line for line in lines if line)


def _line(text: str) -> str | None:
    shown = text.translate(_JOINERS)
    is_line = len(text) <= _MAX_LINE and shown and shown.isprintable()
    return None if is_line else N_("This is too long, or not all of it is text.")


def _lines(text: str) -> str | None:
    return _line(text.replace("\n", " "))


def _web_address(text: str) -> str | None:
    problem = N_("This must be the address of a web page, such as https://example.org.")
    try:
        parts = urlsplit(text)
    except ValueError:
        return problem
    is_one = parts.scheme in ("https", "http") and parts.hostname and " " not in text and text.isprintable()
    return None if is_one and len(text) <= _MAX_URL else problem


def _birthdate(text: str) -> str | None:
    """A date, a year alone, or 0000 for a year that is not told (§5.1)."""
    problem = N_("This must be a date such as 1990-12-31, a year alone, or 0000-12-31 without the year.")
    found = _BIRTHDATE.fullmatch(text)
    if found is None:
        return problem
    year = int(found["year"]) or _LEAP_YEAR
    try:
        date(year, int(found["month"] or 1), int(found["day"] or 1))
    except ValueError:
        return problem
    return problem if found["year"] == "0000" and found["month"] is None else None


def _language(text: str) -> str | None:
    return None if _LANGUAGE.fullmatch(text) else N_("This must be a language such as en, de-AT or fr-CA.")


def _phone(text: str) -> str | None:
    return None if _PHONE.fullmatch(text) else N_("This must be a number with the country, such as +49 30 901820.")


def _checks(zones: Collection[str]) -> Mapping[str, Callable[[str], str | None]]:
    def zone(text: str) -> str | None:
        return None if text in zones else N_("Choose one of the time zones of the list.")

    special = {
        "profile": _web_address,
        "picture": _web_address,
        "website": _web_address,
        "birthdate": _birthdate,
        "zoneinfo": zone,
        "locale": _language,
        "phone_number": _phone,
        "street_address": _lines,
    }
    return {name: special.get(name, _line) for name in FIELDS}


FIELDS = (
    "name",
    "given_name",
    "middle_name",
    "family_name",
    "nickname",
    "gender",
    "birthdate",
    "website",
    "profile",
    "picture",
    "locale",
    "zoneinfo",
    "phone_number",
    *ADDRESS,
)
"""What the form has."""

"""Which language a page comes in (RFC 4647 §3.4, RFC 9110 §12.5.4, OpenID Connect Core §3.1.2.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_shared.http.pages.language_choice import (
    choose_language,
    from_accept_language,
    from_ui_locales,
    lookup,
)

AVAILABLE = ("de", "en", "fr", "pt-BR")


@pytest.mark.parametrize(
    ("wished", "found"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de-Latn-CH-1996", "de"),
        ("pt-br", "pt-BR"),
        ("pt", None),
        ("", None),
    ],
)
def test_a_range_is_met_by_the_nearest_language_above_it(wished, found):
    assert lookup(wished, AVAILABLE) == found


def test_the_strongest_wish_that_can_be_met_wins():
    assert choose_language([[], ["nl", "fr"], ["de"]], AVAILABLE, "en") == "fr"
    assert choose_language([["xx"], ["yy"]], AVAILABLE, "de") == "de"


def test_ui_locales_are_ordered_by_preference():
    assert from_ui_locales("fr-CA fr  en") == ["fr-CA", "fr", "en"]
    assert from_ui_locales(None) == []


@pytest.mark.parametrize(
    ("header", "ranges"),
    [
        ("de", ["de"]),
        ("en;q=0.5, de;q=0.9, fr", ["fr", "de", "en"]),
        ("de;q=0, en", ["en"]),
        ("de-DE,de;q=0.9,*;q=0.1", ["de-DE", "de", "*"]),
        ("de;q=2, <script>, en ; q=0.3", ["en"]),
        ("", []),
        (None, []),
    ],
)
def test_accept_language_is_ordered_by_weight_and_what_is_malformed_left_out(header, ranges):
    assert from_accept_language(header) == ranges


@given(st.text(), st.text())
def test_whatever_is_sent_a_language_that_there_is_comes_out(header, ui_locales):
    wishes = [from_ui_locales(ui_locales), from_accept_language(header)]
    assert choose_language(wishes, AVAILABLE, "en") in AVAILABLE

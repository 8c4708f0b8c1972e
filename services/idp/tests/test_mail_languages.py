"""Mails in the recipient's language and the operator's colours."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tessera_idp.mail import Mail
from tessera_idp.mail.templates import load_mail_templates
from tessera_shared.branding import Branding

TEMPLATES = load_mail_templates(Branding(), "https://id.example")
SEEN = {"browser": "Firefox", "system": "Linux", "address": "192.0.2.7", "at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)}
NOTICE = {
    **SEEN,
    "event": "factor_added",
    "username": "alice",
    "factor": "Recovery codes",
    "sessions": "https://id.example/s",
}


@pytest.mark.parametrize(
    ("locale", "language", "subject", "factor"),
    [
        ("de-AT", "de", "Eine Art der Anmeldung wurde hinzugefügt", "Wiederherstellungscodes"),
        ("fr", "fr", "Un moyen de connexion a été ajouté", "Codes de récupération"),
        ("xx", "en", "A way to log in was added", "Recovery codes"),
        (None, "en", "A way to log in was added", "Recovery codes"),
    ],
)
def test_mail_comes_in_the_recipient_s_language_or_the_default(locale, language, subject, factor):
    written = TEMPLATES.write(Mail("a@example.org", "notice", locale, NOTICE))
    assert written.subject == subject
    assert factor in written.text
    assert factor in written.html
    assert f'<html lang="{language}"' in written.html


def test_mail_has_the_operator_s_name_and_colours():
    branding = Branding(name="Wonderland", accent="#006644", accent_dark="#66ddaa")
    branded = load_mail_templates(branding, "https://w.example")
    html = branded.write(Mail("a@example.org", "notice", None, NOTICE)).html
    assert "background: #006644" in html
    assert "background: #66ddaa" in html
    assert "Wonderland" in html


def test_mail_tells_the_time_in_the_recipient_s_zone_and_language():
    written = TEMPLATES.write(Mail("a@example.org", "notice", "de", {**NOTICE, "time_zone": "Europe/Berlin"}))
    assert "2. Jan. 2026, 04:04 MEZ" in written.text
    assert ">2. Jan. 2026, 04:04 MEZ</time>" in written.html
    assert "2. Jan. 2026, 03:04 UTC" in TEMPLATES.write(Mail("a@example.org", "notice", "de", NOTICE)).text


def test_mail_shows_the_mark_of_this_software_only_where_the_operator_has_no_logo():
    branding = Branding(name="Wonderland", logo_file=Path("logo.svg"))
    html = load_mail_templates(branding, "https://w.example").write(Mail("a@example.org", "notice", None, NOTICE)).html
    assert 'class="tile"' not in html
    assert 'class="tile"' in TEMPLATES.write(Mail("a@example.org", "notice", None, NOTICE)).html
    assert "<img" not in html

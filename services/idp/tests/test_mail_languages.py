"""Mails in the recipient's language and the operator's colours."""

import pytest

from tessera_idp.mail import Mail
from tessera_idp.mail.templates import load_mail_templates
from tessera_shared.branding import Branding

TEMPLATES = load_mail_templates(Branding(), "https://id.example")
SEEN = {"browser": "Firefox", "system": "Linux", "address": "192.0.2.7", "at": "2026-01-02 03:04 UTC"}
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

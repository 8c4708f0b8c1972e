"""What of the audit log users are shown, in words."""

import pytest

from tessera_idp.protocol.activity import WORDS, about, words_of


def test_what_is_not_the_user_s_concern_has_no_words():
    assert words_of("client.registered", "done") is None
    assert words_of("session.begun", "refused") is None


@pytest.mark.parametrize(("action", "outcome"), WORDS)
def test_every_event_of_a_user_has_words(action, outcome):
    assert words_of(action, outcome)


def test_event_names_what_it_concerns():
    assert about("consent.given", "demo-client", {"name": "Demo Client"}) == "Demo Client"
    assert about("consent.given", "demo-client", {}) == "demo-client"
    assert about("factor.added", "some id", {"method": "totp"}) == "Authenticator app"
    assert about("factor.added", "some id", {"method": "passkey", "name": "My phone"}) == "My phone"
    assert about("session.begun", "some sid", {"amr": ["pwd"], "name": 7}) is None

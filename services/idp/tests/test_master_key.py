"""A new master key: what the identity provider keeps sealed is sealed anew, and what pages hold goes on being taken."""

import os
from datetime import timedelta
from types import SimpleNamespace

import pytest

from tessera_idp.commands import master_key
from tessera_idp.commands.work import Work
from tessera_idp.login_methods.totp_set_up import TotpSetUp
from tessera_idp.mail import Mail, Mailer
from tessera_idp.mail.mailer import PURPOSE as MAILS
from tessera_idp.mail.templates import load_mail_templates
from tessera_idp.store import outbox
from tessera_idp.store.passkey_challenges import PasskeyChallenges
from tessera_idp.store.totp import PURPOSE as TOTP
from tessera_idp.store.totp import Authenticator, TotpStore
from tessera_shared import clock
from tessera_shared.audit import Actor
from tessera_shared.branding import Branding
from tessera_shared.provision import _key
from tessera_shared.rotating_key import RotatingKey, load_master_key
from tessera_shared.sealed import SealBroken

TEMPLATES = load_mail_templates(Branding(), "https://id.example")
ADD_USER = """
INSERT INTO idp.users (sub, username, claims, created_at, updated_at) VALUES ($1, 'u', '{}', now(), now())
"""
SUB, ID, SECRET = "a-user", "7d1b3d3c-1f0e-4a57-9f0a-7f3b0b5f8a11", "JBSWY3DPEHPK3PXP"


@pytest.fixture
def files(tmp_path):
    paths = tmp_path / "old", tmp_path / "new"
    for path in paths:
        path.write_text(_key())
    return paths


@pytest.mark.integration
async def test_authenticator_apps_and_mails_are_sealed_anew(fresh_database_as, files):
    database = await fresh_database_as("idp")
    old, new = (load_master_key(path) for path in files)
    await database.execute(ADD_USER, SUB)
    await TotpStore(database, old.derive(TOTP)).add(SUB, Authenticator(ID, "App", SECRET, 1, clock.now(), None))
    mail = Mail("u@example.org", "verify_email", values={"link": "https://id.example", "hours": 1})
    await Mailer(TEMPLATES, old.derive(MAILS)).queue(database, mail)

    async def reseal():
        keys = SimpleNamespace(master_key_file=files[1], further_master_key_files=(files[0],))
        work = Work(SimpleNamespace(keys=keys), database, None, Actor("idp", "operator:test", "here"))
        return [(row["what"], row["resealed"], row["current"]) for row in await master_key.reseal(work)]

    assert await reseal() == [("authenticator apps", 1, 0), ("mails", 1, 0)]
    assert await reseal() == [("authenticator apps", 0, 1), ("mails", 0, 1)]
    (app,) = await TotpStore(database, new.derive(TOTP)).list_of(SUB)
    assert app.secret == SECRET
    (waiting,) = await outbox.claim(database, clock.now(), clock.now(), 1)
    assert Mailer(TEMPLATES, new.derive(MAILS)).open(waiting).to == "u@example.org"
    with pytest.raises(SealBroken):
        await TotpStore(database, old.derive(TOTP)).list_of(SUB)


def test_a_set_up_that_was_offered_before_the_change_is_taken_after_it():
    old, now = RotatingKey(os.urandom(32)), clock.now()
    offer = TotpSetUp(old, "Tessera", None).offer(SUB, now)
    both, new = RotatingKey(os.urandom(32), (old.current,)), RotatingKey(os.urandom(32))
    assert TotpSetUp(both, "Tessera", None).offered(offer.sealed, SUB, now).secret == offer.secret
    assert TotpSetUp(new, "Tessera", None).offered(offer.sealed, SUB, now) is None


async def test_a_passkey_challenge_of_before_the_change_is_answered_after_it():
    class Memory:
        async def is_first_use(self, *_use):
            return True

    old, now = RotatingKey(os.urandom(32)), clock.now()
    challenge = PasskeyChallenges(old, Memory()).issue(now, timedelta(minutes=5), "login", "browser")
    both, new = RotatingKey(os.urandom(32), (old.current,)), RotatingKey(os.urandom(32))
    assert await PasskeyChallenges(both, Memory()).take(challenge, now, "login", "browser") is None
    assert await PasskeyChallenges(new, Memory()).take(challenge, now, "login", "browser") is not None

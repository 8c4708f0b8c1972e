"""Mails: what they say, how they wait sealed, and how they come to the mail server."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP
from pydantic import ValidationError

from stack.mailbox.box import Box
from stack.mailbox.smtp import listen
from stack.ports import HOST, free_port
from tessera_idp.config import Mail as MailConfig
from tessera_idp.mail import Mail, Mailer
from tessera_idp.mail.delivery import Delivery, counted, load_server
from tessera_idp.mail.templates import load_mail_templates
from tessera_idp.protocol.mail_delivery import GIVE_UP_AFTER, next_attempt
from tessera_shared import clock
from tessera_shared.branding import Branding
from tessera_shared.metrics import Metrics
from tessera_shared.rotating_key import RotatingKey

KEY = RotatingKey(bytes(32))
TEMPLATES = load_mail_templates(Branding(), "https://id.example")
LINK = "https://id.example/?a=1&b=<2>"


def mail(to="alice@wonderland.example"):
    return Mail(to, "verify_email", values={"link": LINK, "hours": 24})


def config(port, **changes):
    return MailConfig(
        **{"host": HOST, "port": port, "security": "none", "from_address": "no-reply@id.example"} | changes
    )


def test_the_pair_says_the_same_and_html_is_escaped():
    written = TEMPLATES.write(mail())
    assert written.subject == "Confirm your e-mail address"
    assert LINK in written.text
    assert "https://id.example/?a=1&amp;b=&lt;2&gt;" in written.html
    assert LINK not in written.html


@pytest.mark.parametrize(
    ("locale", "subject"),
    [
        ("de", "Bestätigen Sie Ihre E-Mail-Adresse"),
        ("de-AT", "Bestätigen Sie Ihre E-Mail-Adresse"),
        ("en", "Confirm your e-mail address"),
        ("xx", "Confirm your e-mail address"),
        (None, "Confirm your e-mail address"),
    ],
)
def test_a_mail_comes_in_the_recipients_language(locale, subject):
    written = TEMPLATES.write(replace(mail(), locale=locale))
    assert written.subject == subject
    assert subject in written.html


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(Exception, match="hours"):
        TEMPLATES.write(Mail("a@b.example", "verify_email", values={"link": LINK}))


def test_each_attempt_waits_longer_than_the_one_before_and_a_day_ends_it():
    queued = now = clock.now()
    waits = []
    attempts = 1
    while (again := next_attempt(queued, attempts, now)) is not None:
        waits.append(again - now)
        now, attempts = again, attempts + 1
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=5)
    assert waits[-1] == timedelta(minutes=30)
    assert now - queued < GIVE_UP_AFTER
    assert len(waits) > 20


def test_a_password_does_not_travel_unencrypted(tmp_path):
    with pytest.raises(ValidationError, match="tls or starttls"):
        config(25, user="tessera", password_file=tmp_path / "password")


def test_a_user_needs_a_password_file():
    with pytest.raises(ValidationError, match="go together"):
        config(25, security="tls", user="tessera")


@pytest_asyncio.fixture
async def database(fresh_database_as):
    return await fresh_database_as("idp")


def delivery(database, port, **changes):
    return Delivery(database, Mailer(TEMPLATES, KEY), load_server(config(port, **changes)), counted(Metrics()))


@asynccontextmanager
async def mailbox():
    box, port = Box(50), free_port()
    async with await listen(box, HOST, port):
        yield box, port


async def make_due(database):
    await database.execute("UPDATE idp.outbox SET next_attempt_at = now() - interval '1 second'")


async def waiting(database):
    return await database.fetch("SELECT * FROM idp.outbox")


@pytest.mark.integration
async def test_a_mail_is_sealed_while_it_waits_and_gone_when_it_is_sent(database):
    async with mailbox() as (box, port):
        sender = delivery(database, port)
        await sender.mailer.queue(database, mail())
        (row,) = await waiting(database)
        assert b"wonderland" not in row["content"]
        assert b"https" not in row["content"]
        assert await sender.send_due() == 1
        (letter,) = box.all("alice@wonderland.example")
        assert letter.subject == "Confirm your e-mail address"
        assert LINK in letter.text
        assert letter.html is not None
        headers = dict(letter.headers)
        assert headers["From"] == "Tessera <no-reply@id.example>"
        assert headers["Auto-Submitted"] == "auto-generated"
        assert headers["Message-ID"] == f"<{row['id']}@id.example>"
        assert await waiting(database) == []


@pytest.mark.integration
async def test_what_is_rolled_back_sends_no_mail(database):
    mailer = Mailer(TEMPLATES, KEY)

    async def break_off():
        async with database.transaction() as tx:
            await mailer.queue(tx, mail())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await break_off()
    assert await waiting(database) == []


@pytest.mark.integration
async def test_nothing_leaves_as_much_work_behind_but_is_never_sent(database):
    async with mailbox() as (box, port):
        sender = delivery(database, port)
        await sender.mailer.queue_nothing(database, mail())
        assert len(await waiting(database)) == 1
        assert await sender.send_due() == 1
        assert box.all() == []
        assert await waiting(database) == []


@pytest.mark.integration
async def test_a_mail_waits_for_a_server_that_is_away_and_is_then_sent(database):
    port = free_port()
    sender = delivery(database, port)
    await sender.mailer.queue(database, mail())
    before = clock.now()
    await sender.send_due()
    (row,) = await waiting(database)
    assert row["next_attempt_at"] > before + timedelta(seconds=4)
    assert await sender.send_due() == 0
    await make_due(database)
    box = Box(10)
    async with await listen(box, HOST, port):
        await sender.send_due()
    assert len(box.all()) == 1


@pytest.mark.integration
async def test_a_mail_is_given_up_after_a_day(database):
    sender = delivery(database, free_port())
    await sender.mailer.queue(database, mail())
    await database.execute("UPDATE idp.outbox SET queued_at = now() - interval '25 hours'")
    await sender.send_due()
    assert await waiting(database) == []


@pytest.mark.integration
async def test_a_mail_that_the_server_will_never_take_is_given_up_at_once(database):
    class Refusing:
        async def handle_RCPT(self, _server, _session, _envelope, _address, _options):  # noqa: N802 - aiosmtpd's name
            return "550 5.1.1 no such mailbox"

    port = free_port()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Refusing(), hostname="x"), HOST, port)
    async with server:
        sender = delivery(database, port)
        await sender.mailer.queue(database, mail())
        await sender.send_due()
    assert await waiting(database) == []


@pytest.mark.integration
async def test_a_mail_sealed_under_another_key_is_given_up(database):
    async with mailbox() as (box, port):
        await Mailer(TEMPLATES, RotatingKey(b"1" * 32)).queue(database, mail())
        await delivery(database, port).send_due()
        assert box.all() == []
        assert await waiting(database) == []


@pytest.mark.integration
async def test_two_senders_send_each_mail_once(database):
    async with mailbox() as (box, port):
        senders = [delivery(database, port) for _ in range(2)]
        for number in range(20):
            await senders[0].mailer.queue(database, mail(f"user{number}@example.org"))
        while sum(await asyncio.gather(*(sender.send_due() for sender in senders))):
            pass
        assert sorted(letter.to[0] for letter in box.all()) == sorted(
            f"user{number}@example.org" for number in range(20)
        )


@pytest.mark.integration
async def test_a_secret_never_stands_in_the_log(database, capsys):
    sender = delivery(database, free_port())
    await sender.mailer.queue(database, mail("secretive@wonderland.example"))
    await sender.send_due()
    await database.execute("UPDATE idp.outbox SET queued_at = now() - interval '25 hours'")
    await make_due(database)
    await sender.send_due()
    printed = capsys.readouterr()
    assert "secretive" not in printed.out + printed.err
    assert LINK not in printed.out + printed.err


@pytest.mark.integration
async def test_a_queued_mail_is_sent_within_a_moment(idp):
    to = f"{uuid4()}@example.org"
    await idp.parts.mailer.queue(idp.parts.database, replace(mail(), to=to))
    letter = await idp.mail(to)
    assert letter.subject == "Confirm your e-mail address"

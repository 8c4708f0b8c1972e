"""Mails over TLS and with a login, against a mail server that demands both (RFC 3207, RFC 4954, RFC 8314)."""

import ssl
from asyncio import get_running_loop
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiosmtplib
import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, AuthResult

from e2e.certificates import Pair, authority, server
from stack.ports import HOST, free_port
from tessera_idp.config import Mail as MailConfig
from tessera_idp.mail import Mail, Mailer
from tessera_idp.mail.delivery import Delivery, counted, load_server
from tessera_idp.mail.failure import is_permanent, reason
from tessera_idp.mail.templates import load_mail_templates
from tessera_shared.branding import Branding
from tessera_shared.errors import StartupError
from tessera_shared.metrics import Metrics
from tessera_shared.rotating_key import RotatingKey

USER, PASSWORD = "tessera", "of-the-mail-server"
TO, LINK = "secretive@wonderland.example", "https://id.example/?link=of-the-mail"
ELSEWHERE = "127.0.0.2"
"""Also this machine, but not a name in the certificate."""
BOTH = ("tls", "starttls")


class Taken:
    """The mails that the server took: to whom, by whom, and whether by TLS."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 - aiosmtpd's name
        """Keep it."""
        self.mails.append((envelope.rcpt_tos, session.auth_data))
        return "250 Kept"


@dataclass(frozen=True)
class Provider:
    """A mail server that does not run yet."""

    port: int
    context: ssl.SSLContext
    ca: Path

    def config(self, security, password_file, **changes):
        """How the idp is to speak with it."""
        told = {
            "host": "localhost", "port": self.port, "security": security, "ca_file": self.ca, "user": USER,
            "password_file": password_file, "from_address": "no-reply@id.example",
        }  # fmt: skip
        return MailConfig(**told | changes)

    @asynccontextmanager
    async def running(self, security, host=HOST):
        """Run it; with `none` it knows no TLS."""
        taken = Taken()

        def session():
            started = security == "starttls"
            return SMTP(
                taken,
                hostname="mail.example",
                tls_context=self.context if started else None,
                require_starttls=started,
                auth_required=True,
                auth_require_tls=started,
                authenticator=self._login,
            )

        inside = self.context if security == "tls" else None
        async with await get_running_loop().create_server(session, host, self.port, ssl=inside):
            yield taken

    @staticmethod
    def _login(_server, _session, _envelope, _mechanism, data):
        is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False, auth_data=USER if is_right else None)


@pytest.fixture(scope="module")
def ca() -> Pair:
    return authority("CN=Mail CA")


@pytest.fixture
def provider(ca, tmp_path):
    certificate, key = server(ca).write(tmp_path, "mail")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return Provider(free_port(), context, ca.write(tmp_path, "ca")[0])


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    return path


@pytest_asyncio.fixture
async def database(fresh_database_as):
    return await fresh_database_as("idp")


@pytest_asyncio.fixture
async def queued(database):
    """Hands the one mail that waits to a server of that configuration: whether it was taken."""
    mailer = Mailer(load_mail_templates(Branding(), "https://id.example"), RotatingKey(bytes(32)))

    async def send(config):
        if not await database.fetchval("SELECT count(*) FROM idp.outbox"):
            await mailer.queue(database, Mail(TO, "verify_email", values={"link": LINK, "hours": 24}))
        await database.execute("UPDATE idp.outbox SET next_attempt_at = now() - interval '1 second'")
        assert await Delivery(database, mailer, load_server(config), counted(Metrics())).send_due() == 1
        return await database.fetchval("SELECT count(*) FROM idp.outbox") == 0

    return send


def one_line(capsys):
    """The one line that tells of the failure; nothing holds a secret."""
    out, err = capsys.readouterr()
    (line,) = [line for line in (out + err).splitlines() if "mail" in line and "mail sent" not in line]
    for secret in (PASSWORD, "guessed", TO, LINK):
        assert secret not in out + err
    return line


@pytest.mark.integration
async def test_a_mail_is_delivered_by_tls_and_with_a_login(provider, password, queued):
    for security in BOTH:
        async with provider.running(security) as taken:
            assert await queued(provider.config(security, password))
        assert taken.mails == [([TO], USER)]


@pytest.mark.integration
async def test_a_server_of_another_authority_gets_no_mail(provider, password, queued, capsys, tmp_path):
    other = authority("CN=Other CA").write(tmp_path, "other")[0]
    for security in BOTH:
        async with provider.running(security) as taken:
            assert not await queued(provider.config(security, password, ca_file=other))
            line = one_line(capsys)
            assert "certificate is not accepted: unable to get local issuer certificate" in line
            assert "tried again" in line
            assert taken.mails == []
            assert await queued(provider.config(security, password))  # the same mail, once the file is the right one
        assert len(taken.mails) == 1


@pytest.mark.integration
async def test_without_a_ca_file_only_public_authorities_are_believed(provider, password, queued, capsys):
    for security in BOTH:
        async with provider.running(security) as taken:
            assert not await queued(provider.config(security, password, ca_file=None))
        assert "certificate is not accepted" in one_line(capsys)
        assert taken.mails == []


@pytest.mark.integration
async def test_a_server_of_another_name_gets_no_mail(provider, password, queued, capsys):
    for security in BOTH:
        async with provider.running(security, host=ELSEWHERE) as taken:
            assert not await queued(provider.config(security, password, host=ELSEWHERE))
        assert f"IP address mismatch, certificate is not valid for '{ELSEWHERE}'" in one_line(capsys)
        assert taken.mails == []
        async with provider.running(security) as taken:
            assert await queued(provider.config(security, password))


@pytest.mark.integration
async def test_starttls_is_never_left_out(provider, password, queued, capsys):
    async with provider.running("none") as taken:
        assert not await queued(provider.config("starttls", password))
    assert "STARTTLS extension not supported" in one_line(capsys)
    assert taken.mails == []
    async with provider.running("starttls") as taken:
        assert await queued(provider.config("starttls", password))


@pytest.mark.integration
async def test_a_server_without_tls_is_told_from_one_with(provider, password, queued, capsys):
    async with provider.running("none") as taken:
        assert not await queued(provider.config("tls", password))
    assert "no TLS with the mail server" in one_line(capsys)
    assert taken.mails == []


@pytest.mark.integration
async def test_a_wrong_password_is_told_and_the_mail_waits(provider, password, queued, capsys, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("guessed")
    for security in BOTH:
        async with provider.running(security) as taken:
            assert not await queued(provider.config(security, wrong))
            assert "does not accept user and password (code 535)" in one_line(capsys)
            assert taken.mails == []
            assert await queued(provider.config(security, password))


@pytest.mark.integration
async def test_a_server_that_is_away_is_told(provider, password, queued, capsys):
    assert not await queued(provider.config("tls", password))
    assert "the mail server cannot be reached: Connection refused" in one_line(capsys)


def test_a_ca_file_that_cannot_be_read_ends_the_start(provider, password, tmp_path):
    for ca_file in (tmp_path / "nothing.pem", password):
        with pytest.raises(StartupError, match=str(ca_file)):
            load_server(provider.config("tls", password, ca_file=ca_file))


def test_the_servers_words_are_never_told():
    said = f"no such mailbox: {TO}"
    errors = [
        aiosmtplib.SMTPDataError(554, said),
        aiosmtplib.SMTPRecipientsRefused([aiosmtplib.SMTPRecipientRefused(550, said, TO)]),
        aiosmtplib.SMTPAuthenticationError(535, said),
        aiosmtplib.SMTPServerDisconnected(said),
        aiosmtplib.SMTPReadTimeoutError(said),
    ]
    for error in errors:
        assert TO not in reason(error)
    assert [is_permanent(error) for error in errors] == [True, True, False, False, False]

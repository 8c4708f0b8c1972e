"""The way out of the outbox: to the mail server, by SMTP (RFC 5321), with retries (§4.5.4.1)."""

import asyncio
import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib
from prometheus_client import Counter

from tessera_idp.config import Mail as MailConfig
from tessera_idp.mail.failure import is_permanent, reason
from tessera_idp.mail.mailer import Mailer
from tessera_idp.mail.templates import Written
from tessera_idp.protocol.mail_delivery import next_attempt
from tessera_idp.store import outbox
from tessera_idp.store.outbox import Waiting
from tessera_shared import clock, logging
from tessera_shared.config import read_secret
from tessera_shared.db import Database
from tessera_shared.errors import StartupError, Unavailable
from tessera_shared.metrics import Metrics
from tessera_shared.sealed import SealBroken

_AT_ONCE = 10
_CLAIMED_FOR = timedelta(minutes=5)
_LOOK_AGAIN_SECONDS = 1.0
_SETTLE_SECONDS = 0.1
"""Not while the request is answered that queued it: the time that takes must not tell whether there is a mail."""


@dataclass(frozen=True, slots=True)
class Server:
    """The mail server, and how to speak with it."""

    config: MailConfig
    password: str | None = field(repr=False)
    tls: ssl.SSLContext | None

    async def send(self, mail: str, written: Written) -> None:
        """Hand a mail over; returns when the server has taken it.

        Raises:
            SMTPException, OSError, TimeoutError: It has not.

        """
        config = self.config
        # the library's timeout is for each step; a server that answers slowly each time must not hold a sender up
        async with asyncio.timeout(3 * config.timeout_seconds):
            await aiosmtplib.send(
                self._message(mail, written),
                sender=config.from_address,
                recipients=[written.to],
                hostname=config.host,
                port=config.port,
                username=config.user,
                password=self.password,
                timeout=config.timeout_seconds,
                use_tls=config.security == "tls",
                start_tls=config.security == "starttls",
                tls_context=self.tls,
            )

    def _message(self, mail: str, written: Written) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        local, _, domain = self.config.from_address.rpartition("@")
        message["From"] = Address(self.config.from_name, local, domain)
        message["To"] = written.to
        message["Subject"] = written.subject
        message["Date"] = format_datetime(clock.now())
        # the same at each attempt: who gets it twice sees it once
        message["Message-ID"] = f"<{mail}@{domain}>"
        # RFC 3834 §5: no answering machine replies
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(written.text)
        message.add_alternative(written.html, subtype="html")
        return message


def counted(metrics: Metrics) -> Counter:
    """What counts attempts to send."""
    return metrics.counter("mails", "Attempts to send a mail, by what came of it.", "outcome")


def load_server(config: MailConfig) -> Server:
    """The mail server of the configuration.

    Raises:
        StartupError: A file that it names cannot be read.

    """
    password = None if config.password_file is None else read_secret(config.password_file)
    try:
        tls = None if config.security == "none" else ssl.create_default_context(cafile=config.ca_file)
    except OSError as error:
        raise StartupError(f"mail: {config.ca_file} cannot be read: {error}") from error
    return Server(config, password, tls)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Sends what waits. Replicas share the work: each mail is claimed by one of them."""

    database: Database
    mailer: Mailer
    server: Server
    outcomes: Counter

    async def run(self) -> None:
        """Send mails as they come, until cancelled."""
        while True:
            self.mailer.queued.clear()
            try:
                sent = await self.send_due()
            except Unavailable as error:
                logging.get().warning("mails wait", reason=str(error))
                sent = 0
            if sent < _AT_ONCE:
                await self._wait()

    async def send_due(self) -> int:
        """Send some of the mails that are due; returns how many were tried.

        Raises:
            Unavailable: The database does not answer.

        """
        now = clock.now()
        claimed = await outbox.claim(self.database, now, now + _CLAIMED_FOR, _AT_ONCE)
        await asyncio.gather(*(self._send(waiting) for waiting in claimed))
        return len(claimed)

    async def _wait(self) -> None:
        """Until something is queued here, or for a moment: it may be queued elsewhere, or its transaction still run."""
        try:
            await asyncio.wait_for(self.mailer.queued.wait(), _LOOK_AGAIN_SECONDS)
        except TimeoutError:
            return
        await asyncio.sleep(_SETTLE_SECONDS)

    async def _send(self, waiting: Waiting) -> None:
        log = logging.get().bind(mail=str(waiting.id), template=waiting.template, attempts=waiting.attempts)
        try:
            written = self.mailer.open(waiting)
            if written is not None:
                await self.server.send(str(waiting.id), written)
                log.info("mail sent")
                self.outcomes.labels("sent").inc()
        except SealBroken:
            self.outcomes.labels("given up").inc()
            log.error("mail given up: it was sealed under another master key")  # noqa: TRY400 - nothing to trace
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            again = None if is_permanent(error) else next_attempt(waiting.queued_at, waiting.attempts, clock.now())
            if again is not None:
                self.outcomes.labels("tried again").inc()
                log.warning("mail not sent; it is tried again", reason=reason(error), at=again.isoformat())
                await outbox.try_again(self.database, waiting.id, again)
                return
            self.outcomes.labels("given up").inc()
            log.error("mail given up", reason=reason(error))  # noqa: TRY400 - the trace would name the recipient
        await outbox.remove(self.database, waiting.id)

"""The way into the outbox: a mail is stored with what it tells of, and sent when that is certain."""

import asyncio
import json
from dataclasses import asdict, dataclass, field
from uuid import UUID, uuid4

from tessera_idp.mail.templates import Mail, MailTemplates, Written
from tessera_idp.store import outbox
from tessera_shared import clock
from tessera_shared.db import Database, Transaction
from tessera_shared.resealing import SealedColumn
from tessera_shared.rotating_key import RotatingKey

PURPOSE = b"tessera idp mails"
"""What the key that seals mails is derived for."""
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Mailer:
    """Writes mails, and keeps them sealed until they are sent.

    Attributes:
        templates: What mails say.
        key: Seals them: a mail may hold a link or a code.
        queued: Set when there is something to send.

    """

    templates: MailTemplates
    key: RotatingKey = field(repr=False)
    queued: asyncio.Event = field(default_factory=asyncio.Event)

    async def queue(self, into: Database | Transaction, mail: Mail) -> None:
        """Send a mail in the background: at once, or, given a transaction, when that is committed and not without.

        Raises:
            Unavailable: The database does not answer; only outside a transaction.

        """
        await self._store(into, mail.template, self.templates.write(mail))

    async def queue_nothing(self, into: Database | Transaction, mail: Mail) -> None:
        """Take as long as `queue` does, for an address that must not get this mail; nothing is sent.

        Raises:
            Unavailable: As `queue`.

        """
        await self._store(into, _NOBODY, self.templates.write(mail))

    def open(self, waiting: outbox.Waiting) -> Written | None:
        """The mail that waits, or None where nothing is to be sent.

        Raises:
            SealBroken: It was not sealed under this key.

        """
        written = Written(**json.loads(self.key.unseal(waiting.content, _context(waiting.id, waiting.template))))
        return None if waiting.template == _NOBODY else written

    async def _store(self, into: Database | Transaction, template: str, written: Written) -> None:
        mail = uuid4()
        content = self.key.seal(json.dumps(asdict(written)).encode(), _context(mail, template))
        await outbox.add(into, mail, template, content, clock.now())
        self.queued.set()


def sealed_mails(master_key: RotatingKey) -> SealedColumn:
    """The mails that wait, to be sealed anew."""
    key = master_key.derive(PURPOSE)
    return SealedColumn(outbox.PAGE, UUID(int=0), outbox.RESEAL, lambda row: _context(row["id"], row["template"]), key)


def _context(mail: UUID, template: str) -> bytes:
    return f"{mail} {template}".encode()

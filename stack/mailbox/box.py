"""The mails that were taken: the newest ones, in memory."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail: who wrote to whom, and what."""

    id: int
    received_at: datetime
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None
    headers: tuple[tuple[str, str], ...]


class Box:
    """Holds so many mails; the oldest one makes room for a new one."""

    def __init__(self, size: int) -> None:
        self._letters: deque[Letter] = deque(maxlen=size)
        self._taken = 0
        self._arrived = asyncio.Condition()

    async def take(self, recipients: Sequence[str], content: bytes) -> None:
        """Keep a mail, for the recipients that the envelope names."""
        self._taken += 1
        self._letters.append(_read(self._taken, tuple(recipients), content))
        async with self._arrived:
            self._arrived.notify_all()

    def all(self, to: str | None = None, after: int = 0) -> list[Letter]:
        """The mails to an address, or all; the oldest first.

        Args:
            to: The address, in any case.
            after: Only mails that came after the one of this id.

        """
        wanted = None if to is None else to.lower()
        return [
            letter
            for letter in self._letters
            if letter.id > after and (wanted is None or wanted in (address.lower() for address in letter.to))
        ]

    async def wait(self, to: str | None, after: int, seconds: float) -> list[Letter]:
        """As `all`, as soon as there is one, or when the time is over."""
        try:
            async with asyncio.timeout(seconds), self._arrived:
                await self._arrived.wait_for(lambda: bool(self.all(to, after)))
        except TimeoutError:
            return []
        return self.all(to, after)

    def find(self, number: int) -> Letter | None:
        """The mail of that id."""
        return next((letter for letter in self._letters if letter.id == number), None)

    def clear(self) -> None:
        """Throw all mails away."""
        self._letters.clear()


def _read(number: int, recipients: tuple[str, ...], content: bytes) -> Letter:
    message = BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(content)
    headers = tuple((name, str(value)) for name, value in message.items())
    text, html = (_part(message, kind) for kind in ("plain", "html"))
    return Letter(
        id=number,
        received_at=datetime.now(UTC),
        sender=str(message.get("From", "")),
        to=recipients,
        subject=str(message.get("Subject", "")),
        text=text or "",
        html=html,
        headers=headers,
    )


def _part(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return None if part is None else str(part.get_content())

"""The SMTP side, by aiosmtpd: every recipient is taken."""

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from stack.mailbox.box import Box

_MOST_BYTES = 5 * 1024 * 1024


class _Handler:
    """What aiosmtpd calls for each mail."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the mail."""
        del server, session
        content = envelope.content or b""
        await self._box.take(envelope.rcpt_tos, content if isinstance(content, bytes) else content.encode())
        return "250 Kept"


async def listen(box: Box, host: str, port: int) -> asyncio.Server:
    """Take mails on a port."""

    def session() -> SMTP:
        return SMTP(_Handler(box), hostname="mailbox", data_size_limit=_MOST_BYTES, enable_SMTPUTF8=True)

    return await asyncio.get_running_loop().create_server(session, host, port)

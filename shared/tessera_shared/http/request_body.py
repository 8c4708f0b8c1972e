"""The rest of a request's body, where an answer came before it was read.

HTTP/1.1 carries the next request on the same connection only when the body of this one is out of the way (RFC 9112
§9.3). A server that closes instead says so before (§9.6), or the next request is lost with the connection.
"""

import asyncio

from starlette.types import Message, Receive

_MOST_BYTES = 256 * 1024
_SECONDS = 1.0


class RequestBody:
    """Passes a request's body on and knows how much of it was read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_read = False

    async def receive(self) -> Message:
        """The next part of the body, or the end of the connection."""
        message = await self._receive()
        if not message.get("more_body", False):
            self._is_read = True
        return message

    async def drain(self) -> bool:
        """Read what is left of it, within bounds; whether it is all read."""
        left = _MOST_BYTES
        try:
            async with asyncio.timeout(_SECONDS):
                while not self._is_read and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            return False
        return self._is_read

"""HTTP/2 as hypercorn speaks it, but that one request never ends the others of its connection.

Behind a proxy those are other people's. hypercorn 0.18 breaks a connection for a body that goes on after its request
was answered (413, 405, 415: RFC 9113 §8.1), and for a path or method that is not ASCII. What is changed here leans on
its private names: the version is pinned, and `test_http2.py` notices what moves.
"""

import re
from contextlib import suppress

from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, RequestReceived
from h2.exceptions import ProtocolError
from hypercorn.protocol.h2 import H2Protocol

__all__ = ["Http2"]

_VISIBLE = re.compile(rb"[\x21-\x7E]+")


class Http2(H2Protocol):
    """Serves one connection."""

    async def _handle_events(self, events: list[Event]) -> None:
        """Take events one by one: the application may answer between two of them."""
        for event in events:
            if isinstance(event, DataReceived) and event.stream_id not in self.streams:
                self._stop_body(event)
                await self._flush()
            elif isinstance(event, RequestReceived) and not _is_readable(event):
                # RFC 9113 §8.1.1: a malformed request is an error of its stream
                self.connection.reset_stream(event.stream_id or 0, ErrorCodes.PROTOCOL_ERROR)
                await self._flush()
            else:
                await super()._handle_events([event])

    def _stop_body(self, event: DataReceived) -> None:
        """RFC 9113 §8.1: NO_ERROR says that the answer counts, and that nothing more needs to be sent."""
        stream_id = event.stream_id
        if stream_id is None:
            return
        with suppress(ProtocolError):  # the stream may be over on both sides by now
            self.connection.acknowledge_received_data(event.flow_controlled_length or 0, stream_id)
            self.connection.reset_stream(stream_id, ErrorCodes.NO_ERROR)


def _is_readable(request: RequestReceived) -> bool:
    """Whether method and path are there, as visible ASCII (RFC 9110 §9.1, RFC 3986 §2)."""
    sent = dict(request.headers or ())
    return all(_VISIBLE.fullmatch(sent.get(name, b"")) for name in (b":method", b":path"))

"""HTTP/2 as hypercorn speaks it, but for bodies that go on after their request was answered.

An answer may come before the body has (RFC 9113 §8.1): 413, 405, 415. hypercorn 0.18 has forgotten the stream by then
and ends the connection with every other request on it, which behind a proxy are other people's. What is changed here
leans on its private names: the version is pinned, and `test_http2.py` notices what moves.
"""

from contextlib import suppress

from h2.errors import ErrorCodes
from h2.events import DataReceived, Event
from h2.exceptions import ProtocolError
from hypercorn.protocol.h2 import H2Protocol

__all__ = ["Http2"]


class Http2(H2Protocol):
    """Serves one connection."""

    async def _handle_events(self, events: list[Event]) -> None:
        """Take events one by one: the application may answer between two of them."""
        for event in events:
            if isinstance(event, DataReceived) and event.stream_id not in self.streams:
                self._stop_body(event)
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

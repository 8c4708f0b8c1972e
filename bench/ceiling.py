"""What the load generator itself can do: the same loop against a server that does nothing but answer.

`python -m bench.ceiling PORT` is that server; the benchmark starts it on the servers' core.
"""

import selectors
import socket
import sys

__all__ = ["serve"]

ANSWER = (
    b"HTTP/1.1 200 \r\ncontent-length: 600\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\r\n"
    + b" " * 600
)


def serve(port: int) -> None:
    """Answer every request, known by the blank line at its head's end, with the same 600 bytes until killed."""
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _events in selector.select():
            if key.fileobj is listener:
                peer, _address = listener.accept()
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(peer, selectors.EVENT_READ, peer)
            elif b"\r\n\r\n" in key.data.recv(65536):
                key.data.sendall(ANSWER)
            else:
                selector.unregister(key.data)
                key.data.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))

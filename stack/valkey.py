"""Valkey on the loopback interface, with the users of `users.acl` and an append-only file."""

import socket
from pathlib import Path

from stack import binaries
from stack.ports import HOST
from stack.process import Process

__all__ = ["Valkey"]


class Valkey:
    """One Valkey (or Redis) server; `redis` is the name it goes by, as in compose.yaml."""

    def __init__(self, folder: Path, *, port: int, acl_file: Path, log: Path) -> None:
        self.port = port
        self._folder = folder
        self._acl_file = acl_file
        options = {
            "--port": str(port),
            "--bind": HOST,
            "--dir": str(folder),
            "--aclfile": str(acl_file),
            "--appendonly": "yes",
            "--save": "",
            "--daemonize": "no",
        }
        command = [str(binaries.valkey_server()), *(word for option in options.items() for word in option)]
        self.process = Process("redis", command, log=log)

    def start(self, timeout: float = 15.0) -> None:
        """Start the server and wait until it answers the health user's PING."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.process.start()
        self.process.wait_until(self.ready, timeout)

    def ready(self) -> bool:
        """Whether it answers and has read its data: it says LOADING before."""
        password = (self._acl_file.parent / "health_password").read_text(encoding="ascii").strip()
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH health {password}\r\nPING\r\nQUIT\r\n".encode())
                return b"+PONG" in _until_closed(connection)
        except OSError:
            return False


def _until_closed(connection: socket.socket) -> bytes:
    answer = b""
    while part := connection.recv(4096):
        answer += part
    return answer

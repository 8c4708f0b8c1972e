"""A server under measurement: how to reach it, what it costs, and what to send it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.load import Script

__all__ = ["CLIENT_CREDENTIALS", "INTROSPECTION", "REDIRECT_URI", "REFRESH", "SCOPE", "Contender"]

CLIENT_CREDENTIALS = "client_credentials"
INTROSPECTION = "introspection"
REFRESH = "refresh_token"

REDIRECT_URI = "http://localhost:3000/callback"
SCOPE = "openid profile email"


@dataclass(frozen=True, slots=True)
class Contender:
    """One of the two servers.

    Attributes:
        name: As the tables call it.
        address: Where the load goes.
        service: The process id of the server itself; changes when it is started again.
        everything: The process ids of all that serves a request, databases included.
        prepare: Logs users in and gets tokens; one script per connection, by workload.
        restart: Stops the server itself, starts it and returns the seconds until it answered its health check.

    """

    name: str
    address: tuple[str, int]
    service: Callable[[], int]
    everything: Callable[[], Sequence[int]]
    prepare: Callable[[], Mapping[str, Sequence[Script]]]
    restart: Callable[[], float]

"""The stack under test: in containers, as plain processes, or one that runs already.

`E2E_STACK` chooses: `compose`, `embedded`, or the URLs of a running stack: authz, idp, rs and, where mails
are to be read, the mailbox, with commas between.
"""

import os
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import httpx

from stack.choice import choose

Kind = Literal["compose", "embedded", "url"]

REFRESH_GRACE = 3
"""The grace period of refresh tokens in the stacks that the tests start, in seconds: tests wait for its end."""
DEFAULT_REFRESH_GRACE = 10
OTHER_RESOURCE = "https://other.example/api"
"""A resource that the stacks that the tests start issue tokens for, and that is not theirs."""
CLOCK_TOLERANCE = 1
"""How far clocks may be off in the stacks that the tests start, in seconds: tests wait for tokens to expire."""


class Control(Protocol):
    """What the tests may do to a stack that they started themselves. Names are authz, idp, rs, redis and postgres."""

    def stop(self, *names: str) -> None:
        """Stop gracefully."""

    def kill(self, *names: str) -> None:
        """End with SIGKILL, as a crash does."""

    def start(self, *names: str) -> None:
        """Start, and wait until each can serve."""

    def running(self) -> set[str]:
        """The names of what runs now."""

    def log_lines(self, part: str) -> list[str]:
        """The log lines of all services that hold `part`."""

    def certificates(self) -> Path:
        """A folder with the demo authority's certificates, as `make certs` makes it."""

    def operate(self, name: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run an operator's command of a service, with something on its standard input."""

    def operator(self, name: str) -> list[str]:
        """The command that runs those of an operator of a service; their words follow."""

    def authz_replica(self, settings: Mapping[str, str]) -> AbstractContextManager[str]:
        """One more authz on the same data, with other settings; yields its URL."""

    def rs_replica(self, settings: Mapping[str, str]) -> AbstractContextManager[str]:
        """Run one more rs on the same data, with settings laid over the stack's; yields its URL."""


@dataclass(frozen=True, slots=True)
class TlsProxy:
    """Where a proxy ends TLS for the services' plain ports, and tells them the client's certificate (RFC 9440)."""

    authz: str
    idp: str
    rs: str


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the services answer, and what may be done to them."""

    kind: Kind
    authz: str
    idp: str
    rs: str
    refresh_grace: int
    control: Control | None = None
    authz_tls: str = ""
    rs_tls: str = ""
    proxy: TlsProxy | None = None
    mail: str = ""
    """The pages of the mailbox."""
    metrics: Mapping[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """The issuer is authz's public URL."""
        return self.authz

    @property
    def urls(self) -> dict[str, str]:
        """The services' URLs by name."""
        return {"authz": self.authz, "idp": self.idp, "rs": self.rs}


def kind() -> Kind:
    """Which stack to use: what `E2E_STACK` says, else compose where Docker answers, else embedded."""
    wish = os.environ.get("E2E_STACK", "")
    if wish.startswith(("http://", "https://")):
        return "url"
    return choose(wish or "auto").kind


def running() -> Stack:
    """The stack whose URLs `E2E_STACK` holds."""
    authz, idp, rs, *mail = (url.strip().rstrip("/") for url in os.environ["E2E_STACK"].split(","))
    return Stack("url", authz, idp, rs, DEFAULT_REFRESH_GRACE, mail="".join(mail))


def answers(url: str) -> bool:
    """Whether the service at `url` says that it can serve."""
    try:
        return httpx.get(f"{url}/health", timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False

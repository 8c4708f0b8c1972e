"""The mailbox of the stack, as tests read it: who gets a mail may open the links in it."""

import re
from dataclasses import dataclass

import httpx

from e2e.stack import NO_AUTHORITIES, Stack

_LINK = re.compile(r"https?://\S+")
_PATIENCE = 15


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was taken."""

    id: int
    subject: str
    text: str
    html: str

    @property
    def link(self) -> str:
        """The first address in it."""
        found = _LINK.search(self.text)
        assert found, self.text
        return found[0]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Reads mails."""

    stack: Stack

    def newest(self, to: str, after: int = 0) -> Mail:
        """The newest mail to an address, as soon as there is one later than the one of the id `after`."""
        found = self._ask(to, after, _PATIENCE)
        assert found, f"no mail to {to} after {_PATIENCE} s"
        return found[-1]

    def titled(self, to: str, subject: str) -> Mail:
        """The first mail to an address with that subject, as soon as there is one: mails overtake each other."""
        after = 0
        while found := self._ask(to, after, _PATIENCE):
            if mail := next((one for one in found if one.subject == subject), None):
                return mail
            after = found[-1].id
        raise AssertionError(f"no mail {subject!r} to {to}")

    def all(self, to: str) -> list[Mail]:
        """Every mail to an address until now."""
        return self._ask(to, 0, 0)

    def _ask(self, to: str, after: int, wait: int) -> list[Mail]:
        parameters: dict[str, str | int] = {"to": to, "after": after, "wait": wait}
        url = f"{self.stack.mail}/api/mails"
        answer = httpx.get(url, params=parameters, timeout=60, trust_env=False, verify=NO_AUTHORITIES)
        return [Mail(one["id"], one["subject"], one["text"], one["html"] or "") for one in answer.json()["mails"]]

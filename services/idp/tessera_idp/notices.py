"""What users are told by mail of their own accounts: a login in a new browser, and changes of how to log in.

A notice goes to the account's verified address only: any other may be a stranger's. What it says is ours or the
user's own; of the browser it tells a name of a fixed list, since a User-Agent can say anything.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tessera_idp.mail import Mail, Mailer
from tessera_idp.protocol.device import device_of
from tessera_idp.protocol.models import User
from tessera_idp.store.users import UserStore
from tessera_shared import logging
from tessera_shared.db import Database

_TEMPLATE = "notice"
Event = Literal["new_device", "factor_added", "factor_removed", "password_changed"]


@dataclass(frozen=True, slots=True)
class Seen:
    """From where something was done, and when."""

    address: str
    user_agent: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Notices:
    """Queues them: each returns at once, and none is sent to an address that nobody verified."""

    mailer: Mailer
    database: Database
    users: UserStore
    url: str

    async def new_device(self, sub: str, seen: Seen) -> None:
        """Somebody logged in, in a browser that the account was not used in before."""
        await self._tell(sub, "new_device", seen)

    async def factor_added(self, sub: str, factor: str, seen: Seen) -> None:
        """There is one more way to log in; `factor` is what the user calls it, or a marked text."""
        await self._tell(sub, "factor_added", seen, factor)

    async def factor_removed(self, sub: str, factor: str, seen: Seen) -> None:
        """A way to log in is gone."""
        await self._tell(sub, "factor_removed", seen, factor)

    async def password_changed(self, sub: str, seen: Seen) -> None:
        """The password was changed or reset."""
        await self._tell(sub, "password_changed", seen)

    async def _tell(self, sub: str, event: Event, seen: Seen, factor: str = "") -> None:
        user = await self.users.find(sub)
        address = None if user is None else _verified_address(user)
        if user is None or address is None:
            logging.get().info("notice not sent: the account has no verified address", sub=sub, notice=event)
            return
        await self._queue(user, address, event, seen, factor)

    async def _queue(self, user: User, address: str, event: Event, seen: Seen, factor: str) -> None:
        device = device_of(seen.user_agent)
        values = {
            "event": event,
            "username": user.username,
            "factor": factor,
            "browser": device.browser,
            "system": device.system,
            "address": seen.address,
            "at": seen.at,
            "time_zone": user.claims.get("zoneinfo"),
            "sessions": f"{self.url}/account/sessions",
        }
        locale = user.claims.get("locale")
        mail = Mail(address, _TEMPLATE, locale if isinstance(locale, str) else None, values)
        await self.mailer.queue(self.database, mail)


def _verified_address(user: User) -> str | None:
    email = user.claims.get("email")
    return email if isinstance(email, str) and user.claims.get("email_verified") is True else None

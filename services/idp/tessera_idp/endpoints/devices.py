"""Browsers that accounts were used in before, known by a cookie: nobody can have them refused by trying passwords."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.audit_trail import user_agent
from tessera_idp.endpoints.browser import Cookies
from tessera_idp.notices import Notices, Seen
from tessera_idp.protection import Protection
from tessera_idp.protocol.digest import digest
from tessera_idp.store.devices import DeviceStore

_COOKIE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Devices:
    """The device cookie; it says nothing of who someone is, only that this browser was here before."""

    store: DeviceStore
    cookies: Cookies
    lifetime: timedelta
    notices: Notices
    protection: Protection

    async def known(self, request: Request, account: str, now: datetime) -> str | None:
        """What names this browser, if that account (a username or an e-mail address) was used in it."""
        known_by = self._digest(request)
        if known_by is None or not await self.store.knows(known_by, account.strip(), now):
            return None
        return known_by.hex()

    async def remember(self, request: Request, response: Response, sub: str, now: datetime) -> None:
        """Remember a complete login, under a new cookie: one that was put into this browser is worth nothing.

        The user is told of a browser that is new to the account, unless it is the first.
        """
        cookie = secrets.token_urlsafe(_COOKIE_BYTES)
        kept = await self.store.keep(self._digest(request), digest(cookie), sub, now, now + self.lifetime)
        self.cookies.set(response, "device", cookie, self.lifetime)
        if kept.is_new and kept.has_others and (await self.protection.device_notice(sub)).wait is None:
            await self.notices.new_device(sub, seen(request, now))

    async def forget_others(self, request: Request, sub: str) -> None:
        """Forget the account's other browsers: somebody else may have had the password there."""
        await self.store.forget_others(sub, self._digest(request))

    def _digest(self, request: Request) -> bytes | None:
        cookie = self.cookies.read(request, "device")
        return None if cookie is None else digest(cookie)


def seen(request: Request, now: datetime) -> Seen:
    """From where a request came, for a notice."""
    return Seen(request.state.client_address, user_agent(request), now)

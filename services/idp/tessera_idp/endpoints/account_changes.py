"""What every change of an account does alike: links that prove an address, notices by mail, the end of sessions."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

from tessera_idp.config import Accounts
from tessera_idp.endpoints.audit_trail import user_agent
from tessera_idp.endpoints.browser import Sessions
from tessera_idp.endpoints.devices import Devices
from tessera_idp.mail import Mailer
from tessera_idp.notices import Notices, Seen
from tessera_idp.password_policy import PasswordPolicy
from tessera_idp.protocol.device import device_of
from tessera_idp.protocol.digest import digest
from tessera_idp.protocol.models import User
from tessera_idp.protocol.password_rules import Weakness
from tessera_idp.store import account_changes, links
from tessera_idp.store.access_tokens import revocation_lifetime
from tessera_idp.store.links import Link, Purpose
from tessera_idp.store.users import UserStore
from tessera_shared import clock, logging
from tessera_shared.argon2id import Argon2id
from tessera_shared.audit import Event
from tessera_shared.db import Database, Transaction
from tessera_shared.translatable import N_

PATHS: Mapping[Purpose, str] = {
    Purpose.SIGN_UP: "/oidc/v1/verify-email",
    Purpose.RESET_PASSWORD: "/oidc/v1/reset-password/new",
    Purpose.CHANGE_EMAIL: "/account/email/confirm",
    Purpose.UNDO_EMAIL: "/oidc/v1/undo-email-change",
}
"""Where links lead."""
WEAK: Mapping[Weakness, str] = {
    Weakness.TOO_SHORT: N_("That password is too short. Several words that do not belong together make a good one."),
    Weakness.TOO_LONG: N_("That password is too long."),
    Weakness.COMMON: N_("That password is one of those that are tried first. Choose another one."),
    Weakness.PERSONAL: N_("That password is easily guessed from your name, your address or ours. Choose another one."),
    Weakness.PATTERN: N_("That password repeats itself or follows a pattern. Choose another one."),
    Weakness.GUESSABLE: N_("That password is easily guessed. Choose another one."),
}
"""What is told of a password that may not be chosen."""
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class AccountChanges:
    """Changes accounts, and tells of it."""

    database: Database
    users: UserStore
    mailer: Mailer
    notices: Notices
    passwords: Argon2id
    policy: PasswordPolicy
    sessions: Sessions
    devices: Devices
    public_url: str
    settings: Accounts

    def lifetime(self, purpose: Purpose) -> timedelta:
        """How long a link works."""
        match purpose:
            case Purpose.RESET_PASSWORD:
                return timedelta(minutes=self.settings.reset_minutes)
            case Purpose.UNDO_EMAIL:
                return timedelta(days=self.settings.undo_days)
            case _:
                return timedelta(hours=self.settings.verify_hours)

    async def add_link(self, tx: Transaction, link: Link, now: datetime) -> str:
        """Store a new link; its address, which only the recipient of a mail may learn.

        The address begins with the configured public URL: what a request calls this host means nothing.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        await links.add(tx, digest(token), link, now, now + self.lifetime(link.purpose))
        return f"{self.public_url}{PATHS[link.purpose]}?token={token}"

    async def set_password(self, tx: Transaction, request: Request, sub: str, hashed: str) -> None:
        """Store a password, and make every link to a new one useless."""
        await account_changes.set_password(tx, sub, hashed, clock.now())
        await links.forget_of_user(tx, sub, Purpose.RESET_PASSWORD)
        await self.sessions.trail.record_in(tx, request, sub, Event("password.changed", sub))
        logging.get().info("password changed", sub=sub)

    async def end_sessions(self, tx: Transaction, sub: str, kept: str | None = None) -> tuple[str, ...]:
        """End a user's sessions, but for one; the grants to be announced when the transaction is committed."""
        now = clock.now()
        return await account_changes.end_sessions(tx, sub, now, now + await revocation_lifetime(tx), kept)

    async def announce(self, grants: tuple[str, ...]) -> None:
        """Tell verifiers of grants that ended."""
        await self.sessions.announce(grants, clock.now())

    async def tell_of_password(self, request: Request, sub: str, *, strangers: bool) -> None:
        """Tell the user by mail; the account's other browsers are strangers from now on, if its sessions ended."""
        if strangers:
            await self.devices.forget_others(request, sub)
        seen = Seen(request.state.client_address, user_agent(request), clock.now())
        await self.notices.password_changed(sub, seen)

    def circumstances(self, request: Request) -> dict[str, Any]:
        """When, from where and in which browser something is done, as mails tell it."""
        device = device_of(user_agent(request))
        browser = ", ".join(word for word in (device.browser, device.system) if word)
        return {
            "at": f"{clock.now():%Y-%m-%d %H:%M} UTC",
            "address": request.state.client_address,
            "browser": browser,
        }


def verified_email(user: User) -> str | None:
    """The address that is known to be the user's."""
    return str(user.claims["email"]) if user.claims.get("email_verified") is True and user.claims.get("email") else None

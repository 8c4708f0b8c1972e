"""How often something may be tried here: the one place that knows which budgets an attempt draws on.

An attempt takes from its budgets before anything is checked, so that attempts at the same time cannot pass together;
one that succeeds gives back what it took, so only failures count. Budgets are named by what was typed, never by what
was found, so known and unknown accounts are limited alike. A browser that an account was used in before has budgets
of its own: whoever tries passwords elsewhere cannot keep its owner out.
"""

import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from tessera_shared.config import Section
from tessera_shared.errors import OAuthError
from tessera_shared.source import source_of
from tessera_shared.throttle import Allowance, Budget, Throttle, retry_after, too_many


class ProtectionConfig(Section):
    """How often what may be tried."""

    login_per_address: Allowance = Allowance(tries=300, minutes=10)
    login_per_account: Allowance = Allowance(tries=40, minutes=40)
    login_per_account_and_address: Allowance = Allowance(tries=20, minutes=20)
    login_per_device: Allowance = Allowance(tries=20, minutes=20)
    second_factor_per_account: Allowance = Allowance(tries=10, minutes=30)
    second_factor_per_login: Allowance = Allowance(tries=5, minutes=15)
    second_factor_per_address: Allowance = Allowance(tries=100, minutes=10)
    code_mails_per_account: Allowance = Allowance(tries=5, minutes=15)
    code_mails_per_address: Allowance = Allowance(tries=100, minutes=60)
    reset_per_account: Allowance = Allowance(tries=5, minutes=60)
    reset_per_address: Allowance = Allowance(tries=100, minutes=60)
    sign_up_per_account: Allowance = Allowance(tries=5, minutes=60)
    sign_up_per_address: Allowance = Allowance(tries=100, minutes=60)
    names_per_link: Allowance = Allowance(tries=20, minutes=60)
    device_notices_per_account: Allowance = Allowance(tries=10, minutes=60)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt and what it drew on; `wait` says how long to wait where it was not admitted."""

    budgets: tuple[Budget, ...]
    wait: timedelta | None

    @property
    def retry_after(self) -> dict[str, str]:
        """The header of an answer that refuses it (RFC 6585 §4, RFC 9110 §10.2.3)."""
        return retry_after(self.wait or timedelta(0))


@dataclass(frozen=True, slots=True)
class Protection:
    """Admits attempts. Accounts are named as typed (a username, an e-mail address) or by sub."""

    throttle: Throttle
    config: ProtectionConfig

    async def login(self, account: str, address: str, device: str | None = None) -> Attempt:
        """A password is about to be checked, or a passkey, which says by itself whose it is.

        Args:
            account: The name that was typed; the empty one is nobody's.
            address: Where the request came from.
            device: What identifies a browser that this account was used in before.

        """
        rates, name, site = self.config, _name(account), source_of(address)
        if not name:
            return await self._admit(Budget("login address", site, rates.login_per_address.rate))
        if device is not None:
            return await self._admit(Budget("login device", f"{name} {device}", rates.login_per_device.rate))
        return await self._admit(
            Budget("login address", site, rates.login_per_address.rate),
            Budget("login account", name, rates.login_per_account.rate),
            Budget("login account and address", f"{name} {site}", rates.login_per_account_and_address.rate),
        )

    async def second_factor(self, account: str, login: str, address: str, device: str | None = None) -> Attempt:
        """A code of any kind is about to be checked.

        Args:
            account: Whose login it is.
            login: What identifies the login.
            address: Where the request came from.
            device: As for `login`.

        """
        rates, name, site = self.config, _name(account), source_of(address)
        of_login = Budget("second factor login", login, rates.second_factor_per_login.rate)
        if device is not None:
            return await self._admit(
                of_login, Budget("second factor device", f"{name} {device}", rates.second_factor_per_account.rate)
            )
        return await self._admit(
            of_login,
            Budget("second factor account", name, rates.second_factor_per_account.rate),
            Budget("second factor address", site, rates.second_factor_per_address.rate),
        )

    async def proof(self, address: str) -> Attempt:
        """Something is about to be checked that nobody finds by trying, such as a passkey: nothing of an account."""
        return await self._admit(Budget("login address", source_of(address), self.config.login_per_address.rate))

    async def code_mail(self, account: str, address: str, device: str | None = None) -> Attempt:
        """A code is about to be sent by mail, if there is such an account; `device` as for `login`."""
        rates, name = self.config, _name(account)
        if device is not None:
            return await self._admit(
                Budget("code mail device", f"{name} {device}", rates.code_mails_per_account.rate),
                Budget("code mail address", source_of(address), rates.code_mails_per_address.rate),
            )
        return await self._mail(
            "code mail", account, address, (rates.code_mails_per_account, rates.code_mails_per_address)
        )

    async def reset(self, account: str, address: str) -> Attempt:
        """A link to a new password is about to be sent, if there is such an account."""
        return await self._mail(
            "reset", account, address, (self.config.reset_per_account, self.config.reset_per_address)
        )

    async def sign_up(self, account: str, address: str) -> Attempt:
        """An account is about to be made, or its owner to be told that there is one."""
        rates, mailbox = self.config, _mailbox(account)
        return await self._mail("sign-up", mailbox, address, (rates.sign_up_per_account, rates.sign_up_per_address))

    async def change_of_address(self, account: str, email: str, address: str) -> Attempt:
        """A link is about to be sent to the address that a user wants to have: it may be anybody's mailbox."""
        rates = self.config
        return await self._admit(
            Budget("code mail account", _name(account), rates.code_mails_per_account.rate),
            Budget("sign-up account", _mailbox(email), rates.sign_up_per_account.rate),
            Budget("code mail address", source_of(address), rates.code_mails_per_address.rate),
        )

    async def choose_name(self, link: str) -> Attempt:
        """Whether a username is taken is about to be told to whoever has that link of a sign-up."""
        return await self._admit(Budget("names of a link", link, self.config.names_per_link.rate))

    async def device_notice(self, account: str) -> Attempt:
        """A user is about to be told of a login in a new browser: whoever logs in often must not fill a mailbox."""
        rate = self.config.device_notices_per_account.rate
        return await self._admit(Budget("device notices", account, rate))

    async def succeeded(self, attempt: Attempt) -> None:
        """The attempt was right, or nothing was checked: it counts against nobody."""
        await self.throttle.give_back(attempt.budgets)

    async def _mail(self, what: str, account: str, address: str, rates: tuple[Allowance, Allowance]) -> Attempt:
        per_account, per_address = rates
        return await self._admit(
            Budget(f"{what} account", _name(account), per_account.rate),
            Budget(f"{what} address", source_of(address), per_address.rate),
        )

    async def _admit(self, *budgets: Budget) -> Attempt:
        return Attempt(budgets, await self.throttle.admit_all(budgets))


def refusal(attempt: Attempt) -> OAuthError:
    """What refuses an attempt where no form can be shown again."""
    return too_many(attempt.wait or timedelta(0), attempt.budgets[0].name)


def _mailbox(email: str) -> str:
    """Addresses that mostly are one mailbox are one: what follows a + is for its owner to sort by (RFC 5233)."""
    local, _, domain = _name(email).rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _name(account: str) -> str:
    """Names that mean the same account are one, whatever the database's locale calls a small letter."""
    plain = unicodedata.normalize("NFKD", account.strip()).casefold()
    return "".join(letter for letter in plain if not unicodedata.combining(letter))

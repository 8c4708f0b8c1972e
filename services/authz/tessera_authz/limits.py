"""How often something may be asked of this server: requests that it stores, and credentials that are wrong.

Wrong credentials of a client count for the address that they came from: nobody can have a client refused elsewhere.
"""

from collections import OrderedDict
from datetime import timedelta

from tessera_shared import clock
from tessera_shared.config import Section
from tessera_shared.source import source_of
from tessera_shared.throttle import Allowance, Throttle, too_many

_REMEMBERED = 10_000
_ALL_CLIENTS = ""


class LimitsConfig(Section):
    """So many in so many minutes."""

    authorization_requests_per_address: Allowance = Allowance(tries=1000, minutes=1)
    pushed_requests_per_client: Allowance = Allowance(tries=6000, minutes=1)
    wrong_credentials_per_client_and_address: Allowance = Allowance(tries=300, minutes=10)
    wrong_credentials_per_address: Allowance = Allowance(tries=3000, minutes=10)


class Limits:
    """Counts for all replicas; what a client is told to wait for is remembered here, so that asking costs nothing."""

    def __init__(self, throttle: Throttle, config: LimitsConfig) -> None:
        self._throttle = throttle
        self._config = config
        self._blocked: OrderedDict[tuple[str, str], timedelta] = OrderedDict()

    async def count_authorization_request(self, address: str) -> None:
        """Count a request that is about to be stored for anyone who asks.

        Raises:
            OAuthError: 429, there were too many.

        """
        rate = self._config.authorization_requests_per_address.rate
        wait = await self._throttle.admit("authorization requests", source_of(address), rate)
        if wait is not None:
            raise too_many(wait, "authorization requests of one address")

    async def count_pushed_request(self, client_id: str, address: str, *, is_public: bool) -> None:
        """Count a pushed request: of a client that has proved who it is, or of whoever names a public client.

        Raises:
            OAuthError: 429, there were too many.

        """
        if is_public:
            await self.count_authorization_request(address)
            return
        rate = self._config.pushed_requests_per_client.rate
        wait = await self._throttle.admit("pushed requests", client_id, rate)
        if wait is not None:
            raise too_many(wait, "pushed requests of one client")

    def refuse_blocked(self, client_id: str, address: str) -> None:
        """Refuse to check credentials where too many were wrong.

        Raises:
            OAuthError: 429, until when.

        """
        if not self._blocked:
            return
        source, now = source_of(address), clock.steady()
        for key in ((source, client_id), (source, _ALL_CLIENTS)):
            until = self._blocked.get(key, now)
            if until > now:
                raise too_many(until - now, "wrong client credentials of one address")

    async def count_wrong_credentials(self, client_id: str, address: str) -> None:
        """Count credentials that were wrong."""
        source, config = source_of(address), self._config
        for key, budget, allowance in (
            (client_id, "wrong credentials of a client", config.wrong_credentials_per_client_and_address),
            (_ALL_CLIENTS, "wrong credentials", config.wrong_credentials_per_address),
        ):
            wait = await self._throttle.admit(budget, f"{source} {key}", allowance.rate)
            if wait is not None:
                self._block((source, key), clock.steady() + wait)

    def _block(self, key: tuple[str, str], until: timedelta) -> None:
        self._blocked[key] = until
        self._blocked.move_to_end(key)
        while len(self._blocked) > _REMEMBERED:
            self._blocked.popitem(last=False)

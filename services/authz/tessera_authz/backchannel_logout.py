"""Tells clients in the background that a session has ended (OpenID Connect Back-Channel Logout 1.0 §2.5).

Each delivery is claimed by one statement, so of several replicas one sends it; a claim that nobody finishes comes due
again. What a client sees is at least one token, never at most one: a logout that comes twice changes nothing.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from tessera_authz.protocol import backchannel_logout as rules
from tessera_authz.protocol.client import Client
from tessera_authz.store.clients import ClientDirectory
from tessera_authz.store.logout_deliveries import CHANNEL, Attempt, Delivery, LogoutDeliveryStore
from tessera_authz.tokens.signer import Signer
from tessera_shared import clock, logging
from tessera_shared.db import Database
from tessera_shared.errors import Unavailable
from tessera_shared.fetch import TOTAL_SECONDS, Fetcher, NotFetched
from tessera_shared.keystore.ring import NoSuchKey
from tessera_shared.pairwise import NoSector, Subjects

_CLAIMED_FOR = timedelta(seconds=TOTAL_SECONDS * 4)
_POLL_SECONDS = 1.0
_JTI_BYTES = 16


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done to tell a client."""

    attempts: int
    first_wait: timedelta
    parallel: int


@dataclass(frozen=True, slots=True)
class BackchannelLogout:
    """Delivers what is queued.

    Attributes:
        fetcher: One of its own: slow clients hold up each other at most.

    """

    database: Database
    deliveries: LogoutDeliveryStore
    directory: ClientDirectory
    signer: Signer
    fetcher: Fetcher
    subjects: Subjects
    issuer: str
    effort: Effort

    async def deliver(self) -> None:
        """Deliver whatever comes due, until cancelled."""
        wake = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(wake))
            tasks.create_task(_tick(wake))
            under_way: set[asyncio.Task[None]] = set()
            while True:
                await wake.wait()
                wake.clear()
                for delivery in await self._claim(self.effort.parallel - len(under_way)):
                    task = tasks.create_task(self._attempt(delivery))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                    task.add_done_callback(lambda _done: wake.set())

    async def _claim(self, room: int) -> Sequence[Delivery]:
        if room == 0:
            return ()
        now = clock.now()
        try:
            return await self.deliveries.claim(room, now, now + _CLAIMED_FOR)
        except Unavailable as error:
            logging.get().warning("logouts: nothing can be delivered", reason=str(error))
            await asyncio.sleep(_POLL_SECONDS)
            return ()

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            attempt = await self._tell(delivery)
            await self.deliveries.record(delivery, attempt, clock.now())
        except Unavailable as error:  # the claim ends by itself: then it is tried again
            logging.get().warning("logout delivery not recorded", delivery=str(delivery.id), reason=str(error))
            return
        log = logging.get().info if attempt.outcome == "delivered" else logging.get().warning
        log(
            "logout told" if attempt.outcome == "delivered" else "logout not told",
            client_id=delivery.client_id,
            sid=delivery.sid,
            attempt=delivery.attempts,
            outcome=attempt.outcome or "pending",
            status=attempt.status,
            reason=attempt.reason,
        )

    async def _tell(self, delivery: Delivery) -> Attempt:
        record = await self.directory.find_known(delivery.client_id)
        uri = None if record is None else record.client.backchannel_logout_uri
        if record is None or uri is None:
            return Attempt("failed", None, reason="the client has no backchannel_logout_uri any more")
        try:
            body = urlencode({"logout_token": self._token(delivery, record.client)}).encode()
            answer = await self.fetcher.post(uri, body, "application/x-www-form-urlencoded")
        except (NotFetched, NoSuchKey, NoSector) as error:
            return self._again(delivery, None, str(error) or type(error).__name__)
        outcome = rules.outcome(answer.status)
        if outcome is None:
            return self._again(delivery, answer.status, f"the client answered {answer.status}")
        reason = "the client refused the logout token" if outcome == "refused" else None
        return Attempt(outcome, None, answer.status, reason)

    def _again(self, delivery: Delivery, status: int | None, reason: str) -> Attempt:
        effort = self.effort
        due_at = rules.next_attempt(delivery.attempts, effort.attempts, effort.first_wait, clock.now())
        return Attempt("failed" if due_at is None else None, due_at, status, reason)

    def _token(self, delivery: Delivery, client: Client) -> str:
        """§2.4, signed as the client's ID tokens are (§2.6)."""
        now, jti = clock.now(), secrets.token_urlsafe(_JTI_BYTES)
        user = (self.subjects.told(delivery.sub, client.sector), delivery.sid)
        claims = rules.claims(self.issuer, client.client_id, user, jti, now)
        return self.signer.sign(claims, typ=rules.TYP, alg=client.id_token_signed_response_alg, now=now)

    async def _listen(self, wake: asyncio.Event) -> None:
        """Hear of each logout as it is queued; while that fails, the clock alone wakes."""
        while True:
            try:
                await self.database.listen(CHANNEL, lambda _nothing: wake.set(), wake.set)
            except Unavailable as error:
                logging.get().warning("logouts: cannot be heard of, looking from time to time", reason=str(error))
                await asyncio.sleep(_POLL_SECONDS)


async def _tick(wake: asyncio.Event) -> None:
    while True:
        wake.set()
        await asyncio.sleep(_POLL_SECONDS)

"""Rate limits for all replicas together: the generic cell rate algorithm, by one script in Redis.

A budget admits `limit` at once and refills evenly over its period. What is stored of it is one time, until which what
was admitted would have taken at the even rate. While Redis is away each process counts for itself, in bounded memory,
and only there: a limit then holds for each replica.
"""

import asyncio
import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from prometheus_client import Counter
from pydantic import Field

from tessera_shared import clock, logging
from tessera_shared.config import Section
from tessera_shared.errors import OAuthError, Unavailable
from tessera_shared.metrics import Metrics
from tessera_shared.redis import Redis

KEY = "tessera:throttle:"
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local sign, wait, ends = tonumber(ARGV[1]), 0, {}
for i = 1, #KEYS do
  local step, period = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  ends[i] = math.max(tonumber(redis.call('GET', KEYS[i]) or now), now) + sign * step
  wait = math.max(wait, ends[i] - period - now)
end
if sign > 0 and wait > 0 then return wait end
for i = 1, #KEYS do
  local left = math.max(1, math.ceil((ends[i] - now) / 1000))
  redis.call('SET', KEYS[i], string.format('%.0f', ends[i]), 'PX', left)
end
return 0
"""
"""In microseconds: takes from (sign 1) or gives back to (sign -1) every budget; the wait where one has nothing left."""

_PATIENCE_SECONDS = 0.5
"""How long Redis may take before it counts as away."""
_PAUSE = timedelta(seconds=1)
"""How long it is left alone then."""
_REMEMBERED = 50_000
"""How many budgets a process counts for itself while Redis is away; those not used for longest are forgotten."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, refilled evenly over a period."""

    limit: int
    period: timedelta

    @property
    def step(self) -> timedelta:
        """How long one takes to be refilled."""
        return self.period / self.limit


class Allowance(Section):
    """A rate in a configuration."""

    tries: int = Field(ge=1, le=1_000_000)
    minutes: float = Field(gt=0, le=24 * 60)

    @property
    def rate(self) -> Rate:
        """As the throttle takes it."""
        return Rate(self.tries, timedelta(minutes=self.minutes))


@dataclass(frozen=True, slots=True)
class Budget:
    """What is limited: a name for the kind, whose it is (stored as a hash only), and the rate."""

    name: str
    key: str
    rate: Rate

    @property
    def place(self) -> str:
        """The key in Redis."""
        return KEY + hashlib.sha256(json.dumps([self.name, self.key]).encode()).hexdigest()


class Throttle:
    """Counts in Redis, or for this process alone while Redis is away."""

    def __init__(self, redis: Redis, refused: Counter | None = None) -> None:
        self._redis = redis
        self._refused = refused
        self._away_until = clock.LONG_AGO
        self._asked: set[asyncio.Task[int]] = set()
        self._ends: OrderedDict[str, timedelta] = OrderedDict()

    async def admit(self, name: str, key: str, rate: Rate) -> timedelta | None:
        """Take one from a budget; how long to wait where it has nothing left, None when admitted."""
        return await self.admit_all((Budget(name, key, rate),))

    async def admit_all(self, budgets: Sequence[Budget]) -> timedelta | None:
        """Take one from each budget, or none from any; how long to wait, None when admitted."""
        wait = await self._count(budgets, 1)
        if wait <= timedelta(0):
            return None
        if self._refused is not None:
            self._refused.labels(budgets[0].name).inc()
        logging.get().info("throttled", budgets=[budget.name for budget in budgets], seconds=wait.total_seconds())
        return wait

    async def give_back(self, budgets: Sequence[Budget]) -> None:
        """Undo an admission: what it was for turned out to be no reason to limit anyone."""
        await self._count(budgets, -1)

    async def _count(self, budgets: Sequence[Budget], sign: int) -> timedelta:
        if not budgets:
            return timedelta(0)
        if clock.steady() >= self._away_until:
            arguments = [sign, *(part for b in budgets for part in (_us(b.rate.step), _us(b.rate.period)))]
            try:
                waited = await self._ask([budget.place for budget in budgets], arguments)
                return timedelta(microseconds=waited)
            except Unavailable as error:
                self._away_until = clock.steady() + _PAUSE
                logging.get().warning("throttle: Redis does not answer; counting alone", reason=str(error))
        return self._count_alone(budgets, sign)

    async def _ask(self, keys: list[str], arguments: list[int]) -> int:
        """What the script says in time; one that is late is not cancelled, which would wait for Redis too."""
        asked = asyncio.create_task(self._redis.run_script(SCRIPT, keys, arguments))
        self._asked.add(asked)
        asked.add_done_callback(self._forget)
        await asyncio.wait((asked,), timeout=_PATIENCE_SECONDS)
        if not asked.done():
            raise Unavailable("Redis does not answer in time")
        return asked.result()

    def _forget(self, asked: asyncio.Task[int]) -> None:
        """Let go of a script that has ended; how a late one ended tells nothing that its lateness did not."""
        self._asked.discard(asked)
        if not asked.cancelled():
            asked.exception()

    def _count_alone(self, budgets: Sequence[Budget], sign: int) -> timedelta:
        now = clock.steady()
        ends = {b.place: max(self._ends.get(b.place, now), now) + sign * b.rate.step for b in budgets}
        wait = max(ends[b.place] - b.rate.period - now for b in budgets)
        if sign > 0 and wait > timedelta(0):
            return wait
        for place, end in ends.items():
            self._ends[place] = end
            self._ends.move_to_end(place)
        while len(self._ends) > _REMEMBERED:
            self._ends.popitem(last=False)
        return timedelta(0)


def throttled(metrics: Metrics) -> Counter:
    """What counts refusals, by the first of the budgets that an attempt draws on."""
    return metrics.counter("throttled", "Attempts that were too many, by what is limited.", "budget")


def retry_after(wait: timedelta) -> dict[str, str]:
    """The header that says how long to wait (RFC 9110 §10.2.3), in whole seconds."""
    return {"retry-after": str(max(1, math.ceil(wait.total_seconds())))}


def too_many(wait: timedelta, received: str) -> OAuthError:
    """What refuses a request that came too often, where no form can be shown again; `received` is for the log."""
    return OAuthError(
        "too_many_requests",
        "There were too many tries. Wait a little, then try again.",
        status=429,
        section="RFC 6585 §4",
        expected="fewer in that time",
        received=received,
        headers=retry_after(wait),
    )


def _us(duration: timedelta) -> int:
    return duration // _MICROSECOND

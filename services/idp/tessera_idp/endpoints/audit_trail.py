"""What users do, in the audit log."""

from dataclasses import dataclass, replace

from prometheus_client import Counter
from starlette.requests import Request

from tessera_shared import audit
from tessera_shared.audit import Actor, Event
from tessera_shared.db import Database, Transaction
from tessera_shared.metrics import Metrics

_MAX_USER_AGENT = 300


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """Records logins, logouts and decisions."""

    database: Database
    events: Counter

    async def record(self, request: Request, sub: str, event: Event) -> None:
        """Record what a user did in this request.

        Raises:
            Unavailable: The database does not answer.

        """
        await self.record_in(self.database, request, sub, event)

    async def record_in(self, into: Database | Transaction, request: Request, sub: str, event: Event) -> None:
        """The same, in the transaction of what was done."""
        event = replace(event, details={**event.details, "user_agent": user_agent(request)})
        actor = Actor("idp", f"user:{sub}", request.state.client_address, request.state.request_id)
        await audit.record(into, actor, event)
        self.events.labels(event.action, event.outcome).inc()


def counted(metrics: Metrics) -> Counter:
    """What counts events: their actions and outcomes are words of ours."""
    return metrics.counter("events", "What users did, as in the audit log.", "action", "outcome")


def user_agent(request: Request) -> str:
    """What the browser says it is, of bounded length."""
    return request.headers.get("user-agent", "")[:_MAX_USER_AGENT]

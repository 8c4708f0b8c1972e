"""What follows whenever a user's factors change: the audit log, a notice by mail, and the recovery codes."""

import secrets
from dataclasses import dataclass

from starlette.requests import Request

from tessera_idp.endpoints.audit_trail import AuditTrail, user_agent
from tessera_idp.login_methods import SECOND_METHODS, enrolled_methods
from tessera_idp.login_methods.method import Verifiers
from tessera_idp.login_methods.recovery_code import METHOD as RECOVERY_CODE
from tessera_idp.notices import Notices, Seen
from tessera_idp.protocol.recovery_code import COUNT, RANDOM_BYTES, digest, written
from tessera_shared import clock, logging
from tessera_shared.audit import Event
from tessera_shared.translatable import N_

Codes = tuple[str, ...]
_CODES = N_("Recovery codes")


@dataclass(frozen=True, slots=True)
class Factors:
    """Tells and keeps in order what belongs to a change of factors; the change itself is made before."""

    verifiers: Verifiers
    trail: AuditTrail
    notices: Notices

    async def added(self, request: Request, sub: str, method: str, name: str) -> Codes:
        """A factor was added: the user's first recovery codes, to be shown this once, or none.

        Args:
            request: In which it was added.
            sub: Whose it is.
            method: Its name in the registry.
            name: What the user calls it.

        """
        await self.trail.record(request, sub, Event("factor.added", sub, details={"method": method, "name": name}))
        await self.notices.factor_added(sub, name, _seen(request))
        if method == RECOVERY_CODE or method not in SECOND_METHODS:
            return ()
        codes = _new_codes()
        first = await self.verifiers.recovery_codes.add_first(sub, [digest(code) for code in codes], clock.now())
        return codes if first else ()

    async def refused(self, request: Request, sub: str, method: str, reason: str) -> None:
        """A factor was not added; why goes to the log and the audit log, never to the page."""
        logging.get().info("factor refused", sub=sub, method=method, reason=reason)
        refusal = Event("factor.added", sub, "refused", {"method": method, "reason": reason})
        await self.trail.record(request, sub, refusal)

    async def removed(self, request: Request, sub: str, method: str, name: str) -> None:
        """A factor was removed; recovery codes go with the last one that they stand in for."""
        await self.trail.record(request, sub, Event("factor.removed", sub, details={"method": method, "name": name}))
        await self.notices.factor_removed(sub, name, _seen(request))
        if not await self.has_second(sub):
            await self.verifiers.recovery_codes.remove(sub)

    async def has_second(self, sub: str) -> bool:
        """Whether the user is asked for a second method, recovery codes apart."""
        enrolled = await enrolled_methods(sub, self.verifiers)
        return any(name in SECOND_METHODS and name != RECOVERY_CODE for name in enrolled)

    async def renew_codes(self, request: Request, sub: str) -> Codes:
        """New recovery codes, to be shown this once; the old ones are void."""
        codes = _new_codes()
        await self.verifiers.recovery_codes.replace(sub, [digest(code) for code in codes], clock.now())
        await self.trail.record(request, sub, Event("factor.renewed", sub, details={"method": RECOVERY_CODE}))
        await self.notices.factor_added(sub, _CODES, _seen(request))
        return codes


def _new_codes() -> Codes:
    return tuple(written(secrets.token_bytes(RANDOM_BYTES)) for _ in range(COUNT))


def _seen(request: Request) -> Seen:
    return Seen(request.state.client_address, user_agent(request), clock.now())

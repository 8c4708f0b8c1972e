"""Setting up a passkey (WebAuthn Level 3 §7.1): the browser is asked for a new one, and its answer is stored once."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from tessera_idp.login_methods.method import Verifiers
from tessera_idp.protocol.passkey import HANDLE_BYTES, MOST_PASSKEYS, Passkey, passkey_name
from tessera_idp.protocol.passkey_ceremony import (
    CeremonyRefused,
    PasskeyUser,
    Registered,
    creation_options,
    read_registration,
    verify_registration,
)

LIFETIME = timedelta(minutes=10)
"""How long a page that offers it may stay open."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose passkey it will be, and what the device shows of that user."""

    sub: str
    username: str
    name: str | None


@dataclass(frozen=True, slots=True)
class PasskeySetUp:
    """Asks for new passkeys and takes them; each challenge is bound to where it was asked, and counts once there."""

    verifiers: Verifiers

    async def offer(self, owner: Owner, now: datetime, *bound: str) -> str:
        """What the page asks the browser for, as JSON; passkeys that the user has are excluded."""
        verifiers = self.verifiers
        handle = await verifiers.passkeys.handle(owner.sub, secrets.token_bytes(HANDLE_BYTES))
        challenge = verifiers.challenges.issue(now, LIFETIME, *bound)
        user = PasskeyUser(handle, owner.username, owner.name or owner.username)
        existing = await verifiers.passkeys.of_user(owner.sub)
        return creation_options(verifiers.relying_party, challenge, user, existing)

    async def add(self, answer: str, sub: str, name: str | None, now: datetime, *bound: str) -> Passkey | None:
        """Store the passkey of the browser's answer.

        Args:
            answer: A RegistrationResponseJSON.
            sub: Whose it will be.
            name: What the user calls it.
            now: The time.
            bound: What the challenge was bound to.

        Returns:
            None where the credential is stored already, or the user has enough.

        Raises:
            CeremonyRefused: It is for another challenge, origin or relying party, without user verification, or
                malformed.
            Unavailable: No store answers that knows which challenges were used.

        """
        passkey = _passkey_of(await self._registered(answer, now, *bound), sub, passkey_name(name), now)
        return passkey if await self.verifiers.passkeys.add(passkey) else None

    async def is_full(self, sub: str) -> bool:
        """Whether the user has as many as an account can have."""
        return len(await self.verifiers.passkeys.of_user(sub)) >= MOST_PASSKEYS

    async def _registered(self, text: str, now: datetime, *bound: str) -> Registered:
        answer = read_registration(text)
        reason = await self.verifiers.challenges.take(answer.challenge, now, *bound)
        if reason is not None:
            raise CeremonyRefused(reason)
        return verify_registration(answer, self.verifiers.relying_party, answer.challenge)


def _passkey_of(registered: Registered, sub: str, name: str, now: datetime) -> Passkey:
    return Passkey(
        credential_id=registered.credential_id,
        id=secrets.token_urlsafe(12),
        sub=sub,
        name=name,
        public_key=registered.public_key,
        sign_count=registered.sign_count,
        transports=registered.transports,
        backup_eligible=registered.backup_eligible,
        backed_up=registered.backed_up,
        created_at=now,
    )

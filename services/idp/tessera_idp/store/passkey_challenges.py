"""Challenges of WebAuthn ceremonies: each is answered once, from where it was asked (§13.4.3)."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from tessera_idp.protocol.passkey import NONCE_BYTES, challenge_end, make_challenge
from tessera_shared.replay import ReplayMemory
from tessera_shared.rotating_key import RotatingKey


@dataclass(frozen=True, slots=True)
class PasskeyChallenges:
    """Makes them, and takes each one once."""

    key: RotatingKey
    replay: ReplayMemory

    def issue(self, now: datetime, lifetime: timedelta, *bound: str) -> bytes:
        """A new one.

        Args:
            now: The time.
            lifetime: How long it may be answered.
            bound: What for, in which browser, and for which ask or session.

        """
        return make_challenge(self.key.current, secrets.token_bytes(NONCE_BYTES), now + lifetime, *bound)

    async def take(self, challenge: bytes, now: datetime, *bound: str) -> str | None:
        """Use it up; why it does not count, or None where it does.

        Raises:
            Unavailable: No store answers that knows which were used.

        """
        ends = (challenge_end(challenge, key, now, *bound) for key in self.key.every)
        end = next((end for end in ends if end is not None), None)
        if end is None:
            return "the challenge is over, or was made for another page"
        name = base64.urlsafe_b64encode(challenge).decode()
        if not await self.replay.is_first_use("passkey challenge", "idp", name, end):
            return "the challenge was used before"
        return None

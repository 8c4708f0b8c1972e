"""What a passkey is (WebAuthn Level 3), whose challenge was answered, and what a login by one is worth (RFC 8176)."""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

NONCE_BYTES = 32
HANDLE_BYTES = 64
"""WebAuthn §14.6.1: a user handle is random and says nothing of the user."""
MOST_PASSKEYS = 20
"""Of one user."""
MOST_NAME = 60
"""Characters of a passkey's name."""
_END_BYTES = 8
_MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """For whom passkeys are made: the id that scopes them, the name people see, the origin of the pages."""

    id: str
    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """A credential of a user.

    Attributes:
        credential_id: The authenticator's name for it.
        id: Ours, for pages.
        sub: Whose it is.
        name: What the user calls it.
        public_key: COSE key.
        sign_count: What the authenticator counted at its last use; 0 where it does not count (§6.1.1).
        transports: How it can be reached (§5.8.4).
        backup_eligible: Whether it may leave the device it was made on (§6.1.3).
        backed_up: Whether it had left it when it was used last.
        suspected_at: When its sign count failed to grow: a copy may be about.

    """

    credential_id: bytes
    id: str
    sub: str
    name: str
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    backup_eligible: bool
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None = None
    suspected_at: datetime | None = None


def make_challenge(key: bytes, nonce: bytes, expires_at: datetime, *bound: str) -> bytes:
    """A challenge that only one page of one browser can have answered (WebAuthn §13.4.3).

    It needs no row: nonce, end, and an HMAC over both and what it is bound to. Used ones are remembered.

    Args:
        key: 32 bytes, for this purpose alone.
        nonce: `NONCE_BYTES` random bytes.
        expires_at: Until when it may be answered, whole seconds.
        bound: What for, in which browser, and for which ask or session.

    """
    content = nonce + int(expires_at.timestamp()).to_bytes(_END_BYTES, "big")
    return content + _mac(key, content, bound)


def challenge_end(challenge: bytes, key: bytes, now: datetime, *bound: str) -> datetime | None:
    """Until when this challenge may be answered; None for one that was not made here for this, or is over."""
    content, mac = challenge[:-_MAC_BYTES], challenge[-_MAC_BYTES:]
    if len(content) != NONCE_BYTES + _END_BYTES or not hmac.compare_digest(mac, _mac(key, content, bound)):
        return None
    end = datetime.fromtimestamp(int.from_bytes(content[NONCE_BYTES:], "big"), UTC)
    return end if end > now else None


def methods_used(*, backup_eligible: bool) -> tuple[str, ...]:
    """The `amr` of a passkey (RFC 8176 §2); that it is several factors at once is told of the whole login.

    Without attestation hardware cannot be proved; a key that may be copied is surely kept by software (`swk`), and one
    that may not is called `hwk`.
    """
    return ("swk" if backup_eligible else "hwk", "pop", "user")


def passkey_name(typed: str | None) -> str:
    """What a passkey is called: what was typed, without line breaks and of bounded length."""
    words = " ".join((typed or "").split())
    return words[:MOST_NAME] or "Passkey"


def _mac(key: bytes, content: bytes, bound: tuple[str, ...]) -> bytes:
    parts = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in bound)
    return hmac.digest(key, content + parts, "sha256")

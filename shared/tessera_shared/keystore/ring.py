"""The key ring as a value: which key signs now, which keys verify, what is published. Pure; times are arguments."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from joserfc.jwk import OctKey, import_key

from tessera_shared.jose.algorithms import Key, Use
from tessera_shared.jose.keys import VerificationKey


class KeyState(Enum):
    """Where a key is in its life."""

    NEXT = "next"  # published, does not sign yet
    ACTIVE = "active"  # signs, or encrypts
    RETIRED = "retired"  # signs no more, still verifies
    EXPIRED = "expired"  # no longer published


@dataclass(frozen=True, slots=True)
class RingKey:
    """One key of the ring, with the times of its life."""

    kid: str
    use: Use
    alg: str
    key: Key
    created_at: datetime
    active_from: datetime
    retired_at: datetime | None
    expires_at: datetime | None

    def state(self, now: datetime) -> KeyState:
        """The key's state at `now`."""
        if self.expires_at is not None and self.expires_at <= now:
            return KeyState.EXPIRED
        if self.retired_at is not None and self.retired_at <= now:
            return KeyState.RETIRED
        return KeyState.NEXT if now < self.active_from else KeyState.ACTIVE

    def public_jwk(self) -> dict[str, Any]:
        """The public half as a JWK (RFC 7517 §4), with kid, use and alg."""
        public: dict[str, Any] = dict(self.key.as_dict(private=False))
        return {**public, "kid": self.kid, "use": self.use, "alg": self.alg}


class NoSuchKey(Exception):  # noqa: N818 - says what is the case
    """The ring holds no active key of that kind."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys that have not expired, newest first."""

    keys: Sequence[RingKey]

    def active(self, use: Use, alg: str, now: datetime) -> RingKey:
        """The newest active key.

        Raises:
            NoSuchKey: There is none.

        """
        for key in self.keys:
            if key.use == use and key.alg == alg and key.state(now) is KeyState.ACTIVE:
                return key
        raise NoSuchKey(f"the key ring holds no active {alg} key")

    def decryption_key(self, kid: str, now: datetime) -> RingKey | None:
        """The encryption key of that kid until it has expired; also a next one, active by a clock that is ahead."""
        usable = (k for k in self.keys if k.use == "enc" and k.state(now) is not KeyState.EXPIRED)
        return next((key for key in usable if key.kid == kid), None)

    def public_jwks(self, now: datetime) -> dict[str, Any]:
        """The JWK Set to publish: next, active and retired signing keys; never a symmetric key or a private part."""
        return {
            "keys": [
                key.public_jwk()
                for key in self.keys
                if key.use == "sig" and not isinstance(key.key, OctKey) and key.state(now) is not KeyState.EXPIRED
            ]
        }

    def verification_keys(self, now: datetime) -> dict[str, VerificationKey]:
        """The keys of `public_jwks`, ready to verify with."""
        return {
            key.kid: VerificationKey(key.kid, key.alg, key.key)
            for key in self.keys
            if key.use == "sig" and not isinstance(key.key, OctKey) and key.state(now) is not KeyState.EXPIRED
        }


def serialize_private(key: Key) -> bytes:
    """The whole key as JSON, to be encrypted."""
    return json.dumps(key.as_dict(private=True)).encode()


def deserialize_private(text: bytes) -> Key:
    """Read what `serialize_private` wrote."""
    return import_key(json.loads(text))

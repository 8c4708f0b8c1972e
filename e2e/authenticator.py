"""An authenticator in software (WebAuthn Level 3 §6), which can also answer wrongly on purpose."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

USER_PRESENT, USER_VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 1, 4, 8, 16, 64


@dataclass(slots=True)
class Authenticator:
    """One passkey.

    Attributes:
        origin: What the browser says the page's origin is.
        rp_id: What it signs for.
        flags: User present, user verified and backup flags.
        sign_count: Counts up by itself, unless it stays at 0.
        user_handle: Kept from the registration.

    """

    origin: str
    rp_id: str = "localhost"
    flags: int = USER_PRESENT | USER_VERIFIED
    sign_count: int = 0
    counts: bool = True
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes = b""

    def create(self, options: str, **client_data: Any) -> str:
        """The answer to `navigator.credentials.create()` (§5.1.3) as JSON."""
        asked = json.loads(options)
        self.user_handle = from_text(asked["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor2.dumps(cose)
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(self.flags | ATTESTED) + attested}
        response = {
            "clientDataJSON": to_text(self._client_data("webauthn.create", asked["challenge"], client_data)),
            "attestationObject": to_text(cbor2.dumps(attestation)),
            "transports": ["internal"],
        }
        return self._credential(response)

    def get(self, options: str, **client_data: Any) -> str:
        """The answer to `navigator.credentials.get()` (§5.1.4) as JSON."""
        self.sign_count += self.counts
        said = self._client_data("webauthn.get", json.loads(options)["challenge"], client_data)
        data = self._data(self.flags)
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": to_text(said),
            "authenticatorData": to_text(data),
            "signature": to_text(signature),
            **({"userHandle": to_text(self.user_handle)} if self.user_handle else {}),
        }
        return self._credential(response)

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str, changes: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps({**said, **changes}).encode()

    def _credential(self, response: dict[str, Any]) -> str:
        name = to_text(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def to_text(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """The bytes of such a text."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

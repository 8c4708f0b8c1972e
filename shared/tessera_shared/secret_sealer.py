"""Readable secrets, for clients of client_secret_jwt only: sealed at rest under a key derived from the master key."""

from tessera_shared.rotating_key import RotatingKey

_PURPOSE = b"tessera client secrets"


class SecretSealer:
    """Seals and opens client secrets; a sealed one cannot be moved to another client."""

    def __init__(self, master_key: RotatingKey) -> None:
        self.key = master_key.derive(_PURPOSE)

    def seal(self, client_id: str, secret: str) -> bytes:
        """What is stored."""
        return self.key.seal(secret.encode(), client_id.encode())

    def unseal(self, client_id: str, sealed: bytes) -> bytes:
        """The secret's octets.

        Raises:
            SealBroken: It was sealed for another client, or under a master key that is not accepted.

        """
        return self.key.unseal(sealed, client_id.encode())

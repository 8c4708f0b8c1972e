"""Readable secrets, for clients of client_secret_jwt only: sealed at rest under a key derived from the master key."""

from tessera_shared.sealed import derive_key, seal, unseal

_PURPOSE = b"tessera client secrets"


class SecretSealer:
    """Seals and opens client secrets; a sealed one cannot be moved to another client."""

    def __init__(self, master_key: bytes) -> None:
        self._key = derive_key(master_key, _PURPOSE)

    def seal(self, client_id: str, secret: str) -> bytes:
        """What is stored."""
        return seal(self._key, secret.encode(), client_id.encode())

    def unseal(self, client_id: str, sealed: bytes) -> bytes:
        """The secret's octets.

        Raises:
            SealBroken: It was sealed for another client, or under another master key.

        """
        return unseal(self._key, sealed, client_id.encode())

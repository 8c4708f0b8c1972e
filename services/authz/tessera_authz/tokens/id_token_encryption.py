"""ID tokens that the client alone can read: signed, then encrypted (OpenID Connect Core §10.2)."""

from dataclasses import dataclass
from datetime import datetime

from tessera_authz.protocol.client import Client
from tessera_authz.store.clients import ClientDirectory
from tessera_shared.client_keys import ClientKeys, no_key
from tessera_shared.jose.encryption import DIRECT, Recipient, direct_recipient, encrypt
from tessera_shared.secret_sealer import SecretSealer


@dataclass(frozen=True, slots=True)
class IdTokenEncryption:
    """Encrypts ID tokens for the clients that registered for it."""

    keys: ClientKeys
    sealer: SecretSealer
    directory: ClientDirectory

    async def apply(self, id_token: str, client: Client, now: datetime) -> str:
        """The ID token, encrypted where the client registered for it.

        Raises:
            OAuthError: 503, where no key to encrypt with can be had now.

        """
        alg = client.id_token_encrypted_response_alg
        if alg is None:
            return id_token
        recipient = await self._recipient(client, alg, client.id_token_encrypted_response_enc, now)
        return encrypt(id_token.encode("ascii"), recipient, is_jwt=True)

    async def _recipient(self, client: Client, alg: str, enc: str, now: datetime) -> Recipient:
        """The client by a key of its own, or by its newest secret."""
        if alg != DIRECT:
            return await self.keys.recipient(client, alg, enc, now)
        record = await self.directory.find_known(client.client_id)
        sealed = next((s.sealed for s in (record.valid_secrets(now) if record else ()) if s.sealed), None)
        if sealed is None:
            raise no_key(DIRECT)
        return direct_recipient(self.sealer.unseal(client.client_id, sealed), enc)

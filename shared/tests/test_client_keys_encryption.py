"""Keys to encrypt for a client with: in its metadata, or behind its jwks_uri, which may be away."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tessera_shared.client_keys import ClientKeys
from tessera_shared.errors import OAuthError
from tessera_shared.fetch import Fetched, NotFetched

NOW = datetime(2026, 11, 24, tzinfo=UTC)
URI = "https://client.example/jwks"
OLD, NEW = (ECKey.generate_key("P-256", auto_kid=True) for _ in range(2))


@dataclass(frozen=True)
class Holder:
    """A client, as far as its keys are concerned."""

    client_id: str = "c"
    jwks: Any = None
    jwks_uri: str | None = None


@dataclass
class Host:
    """Answers with the keys it has now; without any it is away."""

    keys: list[ECKey] | None = None
    use: str = "enc"
    asked: list[str] = field(default_factory=list)

    async def get(self, url, _accept):
        """As the fetcher does."""
        self.asked.append(url)
        if self.keys is None:
            raise NotFetched("away")
        return Fetched(200, {"content-type": "application/json"}, json.dumps(jwks(*self.keys, use=self.use)).encode())


def jwks(*keys, use="enc"):
    return {"keys": [{**key.as_dict(private=False), "use": use} for key in keys]}


async def recipient(keys, client, now=NOW):
    return await keys.recipient(client, "ECDH-ES", "A256GCM", now)


async def test_keys_in_place_are_used_and_nothing_is_fetched():
    host = Host()
    found = await recipient(ClientKeys(host), Holder(jwks=jwks(OLD)))
    assert (found.kid, found.alg, found.enc, host.asked) == (OLD.kid, "ECDH-ES", "A256GCM", [])


async def test_keys_elsewhere_are_fetched_once_and_kept():
    host = Host([OLD])
    keys = ClientKeys(host)
    for seconds in (0, 30):
        assert (await recipient(keys, Holder(jwks_uri=URI), NOW + timedelta(seconds=seconds))).kid == OLD.kid
    assert host.asked == [URI]


async def test_a_new_key_is_taken_when_the_old_set_is_no_longer_fresh():
    host = Host([OLD])
    keys = ClientKeys(host)
    await recipient(keys, Holder(jwks_uri=URI))
    host.keys = [NEW]
    assert (await recipient(keys, Holder(jwks_uri=URI), NOW + timedelta(minutes=2))).kid == NEW.kid


async def test_where_no_known_key_will_do_the_set_is_fetched_again_at_most_once_a_minute():
    host = Host([OLD], use="sig")
    keys = ClientKeys(host)
    for seconds in (0, 30):
        with pytest.raises(OAuthError):
            await recipient(keys, Holder(jwks_uri=URI), NOW + timedelta(seconds=seconds))
    assert len(host.asked) == 1
    host.use = "enc"
    assert (await recipient(keys, Holder(jwks_uri=URI), NOW + timedelta(seconds=61))).kid == OLD.kid


async def test_while_the_host_is_away_the_keys_it_told_last_go_on():
    host = Host([OLD])
    keys = ClientKeys(host)
    await recipient(keys, Holder(jwks_uri=URI))
    host.keys = None
    assert (await recipient(keys, Holder(jwks_uri=URI), NOW + timedelta(hours=3))).kid == OLD.kid


@pytest.mark.parametrize("client", [Holder(), Holder(jwks_uri=URI), Holder(jwks=jwks(OLD, use="sig"))])
async def test_without_a_key_the_client_is_told_to_try_again(client):
    with pytest.raises(OAuthError) as caught:
        await recipient(ClientKeys(Host()), client)
    assert (caught.value.error, caught.value.status) == ("temporarily_unavailable", 503)
    assert caught.value.headers["retry-after"]

"""Registered clients on a real PostgreSQL: limits, bounds at every later change, secrets, documents, the audit log."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from tessera_authz.client_registry import ClientRegistry, RegistryRules
from tessera_authz.protocol import generated_secret
from tessera_authz.protocol.client_metadata import Supported, check
from tessera_authz.protocol.registration_policy import Bounds
from tessera_authz.store import client_secrets, initial_access_tokens, registration, scopes
from tessera_authz.store.clients import ClientDirectory
from tessera_authz.store.grants import GrantStore
from tessera_authz.store.initial_access_tokens import InitialAccessToken
from tessera_authz.store.scopes import ScopeDirectory, ScopeEntry
from tessera_authz.tokens import opaque
from tessera_authz.tokens.revoke import GrantRevoker
from tessera_shared import clock
from tessera_shared.audit import Actor
from tessera_shared.errors import OAuthError
from tessera_shared.revocation.view import RevocationView
from tessera_shared.rotating_key import RotatingKey
from tessera_shared.secret_sealer import SecretSealer
from tessera_shared.source import source_of

pytestmark = pytest.mark.integration

SUPPORTED = Supported(
    auth_methods=("client_secret_basic", "client_secret_jwt", "none"),
    default_auth_method="client_secret_basic",
    grant_types=("authorization_code", "refresh_token", "client_credentials"),
    response_types=("code",),
    default_scope=("openid",),
    algs={},
)
BOUNDS = Bounds(("openid", "profile"), ("authorization_code", "refresh_token"), "oauth21")
RULES = RegistryRules(1000, 100_000, None, timedelta(hours=1), 3)
SENT = {"redirect_uris": ["https://client.example/cb"], "client_name": "Client"}
SEALER = SecretSealer(RotatingKey(b"k" * 32))


def by(address="192.0.2.1"):
    return Actor("authz", "anonymous", address, "request-1")


@pytest.fixture
async def database(database_as):
    return await database_as("authz")


@pytest.fixture
async def registry(database, redis_as):
    broker = await redis_as("authz")
    view = RevocationView(database, broker)
    revoker = GrantRevoker(database, GrantStore(database), view, broker, timedelta(minutes=12))
    return ClientRegistry(database, revoker, RULES, SEALER.seal)


async def register(registry, **changes):
    metadata = check({**SENT, **changes}, BOUNDS, SUPPORTED)
    return await registry.register(metadata, BOUNDS, None, by())


def revised(**changes):
    def revise(old):
        return check({**SENT, **changes}, old.bounds, SUPPORTED)

    return revise


async def events_of(database_as, object_id):
    owner = await database_as("owner")
    rows = await owner.fetch(
        "SELECT action, actor, details FROM audit.events WHERE object_id = $1 ORDER BY id", object_id
    )
    return [(row["action"], row["actor"]) for row in rows], [json.loads(row["details"]) for row in rows]


async def test_a_client_reads_back_as_it_registered_and_its_secret_works(registry, database):
    made = await register(registry)
    stored = await registration.find_by_token(database, made.client.client_id, opaque.digest(made.registration_token))
    assert stored == replace(made.client, bounds=replace(BOUNDS, confidential=True))
    record = await ClientDirectory(database, lambda _: None).find(made.client.client_id)
    assert generated_secret.matches(record.secrets[0].hash, made.secret.secret)
    assert not generated_secret.matches(record.secrets[0].hash, made.registration_token)
    assert made.secret.secret not in repr(made)
    assert made.registration_token not in repr(made)


async def test_only_hashes_are_stored(registry, database_as):
    made = await register(registry)
    owner = await database_as("owner")
    tables = ("authz.clients", "authz.client_secrets", "audit.events")
    for table in tables:
        rows = await owner.fetch(f"SELECT t::text AS text FROM {table} t")  # noqa: S608 - a name of ours
        text = "\n".join(row["text"] for row in rows)
        assert made.secret.secret not in text
        assert made.registration_token not in text


async def test_a_readable_secret_is_kept_sealed_and_is_made_anew_when_the_method_changes(registry, database):
    made = await register(registry, token_endpoint_auth_method="client_secret_jwt")
    client_id = made.client.client_id
    row = await database.fetchrow("SELECT sealed FROM authz.client_secrets WHERE client_id = $1", client_id)
    assert SEALER.unseal(client_id, row["sealed"]) == made.secret.secret.encode()
    again = await registry.revise(client_id, made.registration_token, revised(), by())
    assert again.secret is not None
    rows = await client_secrets.list_all(database, client_id)
    assert [generated_secret.matches(row["hash"], again.secret.secret) for row in rows] == [True]
    row = await database.fetchrow("SELECT sealed FROM authz.client_secrets WHERE client_id = $1", client_id)
    assert row["sealed"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "openid profile email"},
        {"grant_types": ["authorization_code", "client_credentials"]},
        {"profile": "oidc"},
        {"require_pkce": False},
        {"token_endpoint_auth_method": "none"},
        {"refresh_token_rotation": False},
        {"redirect_uris": ["javascript:alert(1)"]},
    ],
    ids=str,
)
async def test_a_later_change_never_goes_beyond_what_registration_allowed(registry, database, changes):
    made = await register(registry)
    with pytest.raises(OAuthError) as caught:
        await registry.revise(made.client.client_id, made.registration_token, revised(**changes), by())
    assert caught.value.error in ("invalid_client_metadata", "invalid_redirect_uri")
    assert (await registration.find(database, made.client.client_id)).metadata == made.client.metadata


async def test_a_client_cannot_become_pairwise_later(registry, database):
    made = await register(registry)
    with pytest.raises(OAuthError) as caught:
        await registry.revise(made.client.client_id, made.registration_token, revised(subject_type="pairwise"), by())
    assert caught.value.error == "invalid_client_metadata"
    stored = await registration.find(database, made.client.client_id)
    assert "subject_type" not in stored.metadata


async def test_a_public_client_that_took_credentials_cannot_give_them_up_again(registry):
    made = await register(registry, token_endpoint_auth_method="none")
    assert made.secret is None
    confidential = await registry.revise(made.client.client_id, made.registration_token, revised(), by())
    assert confidential.secret is not None
    change = revised(token_endpoint_auth_method="none")
    with pytest.raises(OAuthError):
        await registry.revise(made.client.client_id, made.registration_token, change, by())


async def test_another_clients_token_manages_nothing(registry, database):
    one, other = await register(registry), await register(registry)
    for action in (
        registry.revise(one.client.client_id, other.registration_token, revised(), by()),
        registry.delete(one.client.client_id, other.registration_token, by()),
        registry.delete(one.client.client_id, "", by()),
        registry.delete("no-such-client", one.registration_token, by()),
    ):
        with pytest.raises(OAuthError) as caught:
            await action
        assert (caught.value.error, caught.value.status) == ("invalid_token", 401)
    assert await registration.find(database, one.client.client_id) == replace(
        one.client, bounds=replace(BOUNDS, confidential=True)
    )


async def test_users_are_asked_again_when_a_client_looks_different_or_sends_them_elsewhere(registry, database):
    made = await register(registry)
    client_id = made.client.client_id
    add = "INSERT INTO authz.consents VALUES ('alice', $1, '{openid}', now())"
    count = "SELECT count(*) FROM authz.consents WHERE client_id = $1"
    await database.execute(add, client_id)
    await registry.revise(client_id, made.registration_token, revised(contacts=["me@client.example"]), by())
    assert await database.fetchval(count, client_id) == 1
    other = revised(redirect_uris=["https://client.example/cb", "https://other.example/cb"])
    await registry.revise(client_id, made.registration_token, other, by())
    assert await database.fetchval(count, client_id) == 0


async def test_a_deleted_clients_tokens_are_listed_as_revoked(registry, database):
    made = await register(registry)
    await registry.delete(made.client.client_id, made.registration_token, by())
    assert await registration.find(database, made.client.client_id) is None
    assert registry.revoker.view.is_revoked({"client_id": made.client.client_id})
    async with database.transaction() as tx:
        assert await registration.revoked_until(tx, made.client.client_id) > clock.now()


async def test_registrations_of_one_source_are_bounded_in_parallel_too(registry):
    few = replace(registry, rules=replace(RULES, per_source_per_hour=5))
    address = f"198.51.100.{uuid4().int % 250}"
    metadata = check(SENT, BOUNDS, SUPPORTED)
    tries = (few.register(metadata, BOUNDS, None, by(address)) for _ in range(12))
    results = await asyncio.gather(*tries, return_exceptions=True)
    refused = [result for result in results if isinstance(result, OAuthError)]
    assert (len(refused), {error.status for error in refused}) == (7, {429})
    assert await few.register(metadata, BOUNDS, None, by("203.0.113.77"))


async def test_registrations_in_total_are_bounded(registry, fresh_database_as):
    few = replace(registry, database=await fresh_database_as("authz"), rules=replace(RULES, per_hour=2))
    metadata = check(SENT, BOUNDS, SUPPORTED)
    for number in range(2):
        await few.register(metadata, BOUNDS, None, by(f"192.0.2.{number}"))
    with pytest.raises(OAuthError):
        await few.register(metadata, BOUNDS, None, by("192.0.2.3"))
    count = "SELECT count FROM authz.registrations WHERE source = '192.0.2.3'"
    assert await few.database.fetchval(count) is None  # what was refused is not counted


def test_sources_are_addresses_and_ipv6_networks():
    assert source_of("192.0.2.1") == "192.0.2.1"
    assert source_of("2001:db8:1:2:3::4") == source_of("2001:db8:1:2::5") == "2001:db8:1:2::/64"
    assert source_of("nonsense") == "unknown"


async def test_an_initial_access_token_with_one_use_registers_one_client_of_ten_in_parallel(registry, database):
    now = clock.now()
    token = InitialAccessToken(uuid4(), "one", BOUNDS, 1, now, now + timedelta(days=1))
    digest = opaque.digest(opaque.new())
    async with database.transaction() as tx:
        await initial_access_tokens.add(tx, token, digest)
    assert await initial_access_tokens.find(database, digest, now) == token
    metadata = check(SENT, BOUNDS, SUPPORTED)
    tries = (registry.register(metadata, BOUNDS, token.id, by()) for _ in range(10))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(result, OAuthError) for result in results) == 1
    assert await initial_access_tokens.find(database, digest, now) is None
    assert await initial_access_tokens.find(database, digest, now + timedelta(days=2)) is None


async def test_after_a_rotation_both_secrets_work_until_the_grace_period_ends(registry, database):
    made = await register(registry)
    client_id = made.client.client_id
    rotated = await registry.rotate_secret(client_id, timedelta(minutes=5), by())
    old, new = (await client_secrets.list_all(database, client_id))[::-1]
    assert generated_secret.matches(new["hash"], rotated.secret)
    assert (new["expires_at"], new["replaced_at"]) == (None, None)
    assert old["replaced_at"] is not None
    assert timedelta(minutes=4) < rotated.previous_expires_at - clock.now() <= timedelta(minutes=5)
    assert old["expires_at"] == rotated.previous_expires_at
    shorter = await registry.rotate_secret(client_id, timedelta(seconds=1), by())
    ends = [row["expires_at"] for row in await client_secrets.list_all(database, client_id)]
    assert ends[0] is None
    assert max(ends[1:]) == shorter.previous_expires_at < rotated.previous_expires_at


async def test_a_longer_grace_than_configured_is_not_given(registry):
    made = await register(registry)
    rotated = await registry.rotate_secret(made.client.client_id, timedelta(days=365), by())
    assert rotated.previous_expires_at - clock.now() <= RULES.secret_grace


async def test_secrets_are_bounded_and_methods_without_a_secret_rotate_nothing(registry):
    made = await register(registry)
    for _ in range(RULES.max_secrets - 1):
        await registry.rotate_secret(made.client.client_id, RULES.secret_grace, by())
    with pytest.raises(OAuthError) as caught:
        await registry.rotate_secret(made.client.client_id, RULES.secret_grace, by())
    assert caught.value.status == 429
    public = await register(registry, token_endpoint_auth_method="none")
    with pytest.raises(OAuthError) as caught:
        await registry.rotate_secret(public.client.client_id, RULES.secret_grace, by())
    assert caught.value.error == "unauthorized_client"


async def test_clients_that_nobody_used_are_removed_and_others_are_kept(registry, fresh_database_as):
    database = await fresh_database_as("authz")
    registry = replace(registry, database=database)
    used, unused = await register(registry), await register(registry)
    await database.execute("UPDATE authz.clients SET created_at = now() - interval '40 days'")
    await database.execute("INSERT INTO authz.clients VALUES ('made-by-hand', '{}', now() - interval '40 days', now())")
    await registration.note_uses(database, [used.client.client_id, "made-by-hand", "unknown"], clock.now())
    async with database.transaction() as tx:
        gone = await registration.purge(tx, clock.now() - timedelta(days=30), clock.now())
    assert gone == [unused.client.client_id]
    left = {client.client_id for client in await registration.list_all(database)}
    assert left == {used.client.client_id, "made-by-hand"}


async def test_every_change_is_in_the_audit_log(registry, database_as):
    made = await register(registry)
    client_id = made.client.client_id
    await registry.revise(client_id, made.registration_token, revised(client_name="Other"), by())
    await registry.rotate_secret(client_id, timedelta(0), by())
    await registry.delete(client_id, made.registration_token, by())
    actions, details = await events_of(database_as, client_id)
    expected = ["client.registered", "client.changed", "secret.rotated", "client.removed"]
    assert [action for action, _ in actions] == expected
    assert details[1] == {"members": ["client_name"]}


async def test_a_change_that_fails_leaves_no_event(registry, database_as):
    made = await register(registry)
    with pytest.raises(OAuthError):
        await registry.revise(made.client.client_id, made.registration_token, revised(scope="admin"), by())
    actions, _ = await events_of(database_as, made.client.client_id)
    assert [action for action, _ in actions] == ["client.registered"]


async def test_a_removed_scope_is_taken_from_clients_within_a_second(registry, database, fresh_database_as):
    database = await fresh_database_as("authz")
    registry = replace(registry, database=database)
    made = await register(registry, scope="openid profile")
    directory, scope_directory = ClientDirectory(database, lambda _: None), ScopeDirectory(database)
    following = [asyncio.create_task(d.follow_changes()) for d in (directory, scope_directory)]
    try:
        while not (directory._listening and scope_directory._listening):
            await asyncio.sleep(0.01)
        assert (await directory.find(made.client.client_id)).client.scope == ("openid", "profile")
        assert await directory.find(made.client.client_id) is await directory.find(made.client.client_id)
        assert [entry.name for entry in await scope_directory.all()][:2] == ["openid", "profile"]
        async with database.transaction() as tx:
            assert await scopes.remove(tx, "profile")
            assert not await scopes.remove(tx, "profile")
            assert await scopes.add(tx, ScopeEntry("reports:read", "Read reports", ""), clock.now())
        async with asyncio.timeout(1):
            while (await directory.find(made.client.client_id)).client.scope != ("openid",):
                await asyncio.sleep(0.01)
            while "reports:read" not in [entry.name for entry in await scope_directory.all()]:
                await asyncio.sleep(0.01)
    finally:
        for task in following:
            task.cancel()

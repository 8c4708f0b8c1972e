"""The stores against a real PostgreSQL: single use, binding, revocation, and clients forgotten in time."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tessera_authz.protocol.authorization_request import AuthorizationRequest, Checked
from tessera_authz.protocol.claims_request import ClaimsRequest, Wish
from tessera_authz.protocol.models import AuthorizationCode, Grant
from tessera_authz.store import clients, scopes
from tessera_authz.store.clients import ClientDirectory, ClientSecret
from tessera_authz.store.grants import GrantStore, NewRefreshToken
from tessera_authz.store.pushed_requests import PushedRequestStore
from tessera_authz.store.requests import RequestStore
from tessera_authz.store.scopes import ScopeEntry
from tessera_authz.store.user_claims import UserClaimsStore
from tessera_authz.tokens import opaque
from tessera_shared import clock
from tessera_shared.handoff import Authentication

pytestmark = pytest.mark.integration

SECRET = ClientSecret("hash", None, b"sealed")


@pytest.fixture
async def database(database_as):
    return await database_as("authz")


@pytest.fixture
async def client_id(database):
    name = f"client-{uuid4().hex}"
    async with database.transaction() as tx:
        assert await clients.add(tx, name, {"client_name": "Test", "scope": "openid"}, SECRET, clock.now())
    return name


@pytest.fixture
async def session(database_as):
    """The sid of a session, and alice's sub, of this test alone."""
    idp, now = await database_as("idp"), clock.now()
    sub, sid = f"alice-{uuid4().hex}", uuid4().hex
    await idp.execute(
        "INSERT INTO idp.users (sub, username, claims, created_at, updated_at) VALUES ($1, $1, '{}', $2, $2)", sub, now
    )
    await idp.execute(
        "INSERT INTO idp.sessions (sid, cookie_hash, sub, auth_time, acr, amr, user_agent, address, created_at,"
        " expires_at) VALUES ($1, $2, $3, $4, '1', '{pwd}', '', '', $4, $5)",
        sid,
        sid.encode(),
        sub,
        now,
        now + timedelta(hours=1),
    )
    return sid, sub


@pytest.fixture
async def code(database, client_id, session):
    now, (sid, sub) = clock.now(), session
    grant = Grant(
        id=str(uuid4()),
        client_id=client_id,
        sub=sub,
        scope=("openid",),
        sid=sid,
        auth_time=now,
        acr="1",
        amr=("pwd",),
        nonce=None,
        resource=("https://rs.example",),
        claims=ClaimsRequest({"email": Wish(essential=True)}, {"name": Wish(values=("Alice",))}),
        created_at=now,
        expires_at=now + timedelta(days=1),
    )
    code = AuthorizationCode(
        opaque.digest(opaque.new()), "https://a/cb", "x", "jkt", now + timedelta(minutes=1), None, grant
    )
    assert await GrantStore(database).add(grant, code, consented=("openid",))
    return code


def another(code):
    """The next code of the same session."""
    grant = replace(code.grant, id=str(uuid4()), scope=("profile",))
    return replace(code, code_hash=opaque.digest(opaque.new()), grant=grant)


async def test_nothing_is_granted_in_a_session_that_has_ended(database, database_as, client_id, code):
    idp, late = await database_as("idp"), another(code)
    for sid, sub in ((code.grant.sid, "somebody else"), ("no such session", code.grant.sub)):
        assert not await GrantStore(database).add(replace(late.grant, sid=sid, sub=sub), late)
    await idp.execute("UPDATE idp.sessions SET ended_at = now() WHERE sid = $1", code.grant.sid)
    assert not await GrantStore(database).add(late.grant, late, consented=("profile",))
    assert await GrantStore(database).find_code(late.code_hash) is None
    assert await RequestStore(database).consented_scope(code.grant.sub, client_id) == ("openid",)


async def test_whatever_is_granted_while_a_session_ends_is_found_by_its_end(database, database_as, code):
    idp, now = await database_as("idp"), clock.now()
    codes = [another(code) for _ in range(10)]
    ended = (
        "WITH ended AS (UPDATE idp.sessions SET ended_at = $2 WHERE sid = $1 RETURNING sid)"
        " SELECT authz.revoke_session(sid, $2, 'all') FROM ended"
    )
    adding = [GrantStore(database).add(one.grant, one) for one in codes]
    await asyncio.gather(*adding[:5], idp.execute(ended, code.grant.sid, now), *adding[5:])
    for one in codes:
        found = await GrantStore(database).find_code(one.code_hash)
        assert found is None or found.grant.revoked_at is not None


def new_token(now):
    return NewRefreshToken(opaque.digest(opaque.new()), ("openid",), now + timedelta(days=1), "jkt", "print")


async def test_a_code_reads_back_as_it_was_stored(database, code):
    found = await GrantStore(database).find_code(code.code_hash)
    assert found == code


async def test_fifty_parallel_uses_of_a_code_give_one_success(database, code):
    store, now = GrantStore(database), clock.now()
    results = await asyncio.gather(*(store.consume_code(code, new_token(now), now) for _ in range(50)))
    assert results.count(True) == 1


async def test_fifty_parallel_uses_of_a_refresh_token_give_one_success(database, code):
    store, now = GrantStore(database), clock.now()
    first = new_token(now)
    assert await store.consume_code(code, first, now)
    token = await store.find_refresh_token(first.token_hash)
    uses = (store.consume_refresh_token(token, new_token(now), b"answer", now) for _ in range(50))
    assert (await asyncio.gather(*uses)).count(True) == 1
    used = await store.find_refresh_token(first.token_hash)
    assert (used.consumed_at, used.answer) == (now, b"answer")
    assert (used.dpop_jkt, used.x5t_s256) == ("jkt", "print")


async def test_nothing_of_a_revoked_grant_can_be_used(database, code):
    store, now = GrantStore(database), clock.now()
    first = new_token(now)
    assert await store.revoke(code.grant.id, now, now + timedelta(hours=1))
    assert not await store.revoke(code.grant.id, now, now + timedelta(hours=1))
    assert not await store.consume_code(code, first, now)
    assert await store.find_refresh_token(first.token_hash) is None


async def test_a_revocation_never_leaves_a_live_token_behind_a_race(database, code):
    store, now = GrantStore(database), clock.now()
    first = new_token(now)
    await asyncio.gather(
        store.consume_code(code, first, now), store.revoke(code.grant.id, now, now + timedelta(hours=1))
    )
    token = await store.find_refresh_token(first.token_hash)
    assert token is None or token.grant.revoked_at is not None


async def test_consent_is_remembered_and_added_to(database, client_id, code):
    store = RequestStore(database)
    sub, other = code.grant.sub, another(code)
    assert await store.consented_scope(sub, client_id) == ("openid",)
    await GrantStore(database).add(other.grant, other, consented=("profile",))
    assert set(await store.consented_scope(sub, client_id)) == {"openid", "profile"}


async def test_a_step_is_taken_once_and_only_from_its_browser(database, client_id):
    store, now = RequestStore(database), clock.now()
    request = AuthorizationRequest(
        client_id, "https://a/cb", "query", "state", ("openid",), "x", None, ("login",), 5, None, None
    )
    step = await store.add(Checked(request, b"pushed"), b"browser", now, now + timedelta(minutes=1))
    assert await store.take_step(step, [b"another browser"], now) is None
    assert await store.take_step(step, [], now) is None
    assert await store.take_step(step, [b"other", b"browser"], now + timedelta(minutes=1)) is None
    pending = await store.take_step(step, [b"other", b"browser"], now)
    assert (pending.request, pending.pushed_hash) == (request, b"pushed")
    assert await store.take_step(step, [b"other", b"browser"], now) is None
    alice = Authentication("alice", "sid", 5, "1", ("pwd",))
    second = await store.set_step(pending.id, alice)
    takes = await asyncio.gather(*(store.take_step(second, [b"browser"], now) for _ in range(20)))
    assert [taken.authentication for taken in takes if taken] == [alice]


async def test_an_existing_client_is_left_alone(database, client_id):
    async with database.transaction() as tx:
        assert not await clients.add(tx, client_id, {"client_name": "Other"}, None, clock.now())
    record = await ClientDirectory(database, lambda _: None).find(client_id)
    assert record.client.client_name == "Test"
    assert record.secrets == [SECRET]


async def test_a_changed_client_is_forgotten_within_a_second(database, client_id):
    forgotten = []
    directory = ClientDirectory(database, forgotten.append)
    following = asyncio.create_task(directory.follow_changes())
    while not forgotten:  # connected: everything is forgotten once
        await asyncio.sleep(0.01)
    assert await directory.find(client_id) is await directory.find(client_id)
    await database.execute("DELETE FROM authz.client_secrets WHERE client_id = $1", client_id)
    async with asyncio.timeout(1):
        while client_id not in forgotten:
            await asyncio.sleep(0.01)
    assert (await directory.find(client_id)).secrets == []
    await database.execute("DELETE FROM authz.clients WHERE client_id = $1", client_id)
    async with asyncio.timeout(1):
        while await directory.find(client_id) is not None:
            await asyncio.sleep(0.01)
    following.cancel()


async def test_a_pushed_request_is_its_clients_alone_and_used_up_once(database, client_id):
    store, now = PushedRequestStore(database), clock.now()
    request = AuthorizationRequest(
        client_id, "https://a/cb", "query", "state", ("openid",), "x", None, ("login",), 5, None, None, ("https://rs",)
    )
    uri_hash = opaque.digest(opaque.new())
    await store.add(uri_hash, request, now, now + timedelta(seconds=60))
    assert await store.find(uri_hash, client_id, now) == request
    assert await store.find(uri_hash, client_id, now) == request  # a visit does not use it up
    assert await store.find(uri_hash, "another client", now) is None
    assert await store.find(uri_hash, client_id, now + timedelta(seconds=60)) is None
    assert (await asyncio.gather(*(store.consume(uri_hash, now) for _ in range(20)))).count(True) == 1
    assert await store.find(uri_hash, client_id, now) is None


async def test_only_named_claims_of_one_user_can_be_read(database, database_as):
    idp, sub = await database_as("idp"), uuid4().hex
    claims = json.dumps({"email": "a@b.example", "name": "A", "nickname": None, "address": {"country": "X"}})
    statement = "INSERT INTO idp.users (sub, username, claims, created_at, updated_at) VALUES ($1, $1, $2, now(), $3)"
    await idp.execute(statement, sub, claims, datetime(2026, 1, 2, 3, 4, 5, 999999, tzinfo=UTC))
    store = UserClaimsStore(database)
    found = await store.find(sub, ["email", "address", "nickname", "updated_at", "phone_number", "username"])
    assert found == {"email": "a@b.example", "address": {"country": "X"}, "updated_at": 1767323045}
    assert await store.find("nobody", ["email"]) == {}
    await idp.execute("UPDATE idp.users SET disabled = true WHERE sub = $1", sub)
    assert await store.find(sub, ["email"]) == {}


async def test_the_identity_provider_reads_what_was_asked_for_at_userinfo(database_as, code):
    idp = await database_as("idp")
    statement = "SELECT client_id, claims FROM authz.userinfo_claims WHERE grant_id = $1"
    row = await idp.fetchrow(statement, UUID(code.grant.id))
    assert row["client_id"] == code.grant.client_id
    assert json.loads(row["claims"]) == {"name": {"essential": False, "values": ["Alice"]}}


async def test_a_scope_keeps_its_level(database):
    name = f"scope-{uuid4().hex}"
    async with database.transaction() as tx:
        assert await scopes.add(tx, ScopeEntry(name, "Title", "", acr="level"), clock.now())
        assert ScopeEntry(name, "Title", "", acr="level") in await scopes.load(tx)
        assert await scopes.change(tx, ScopeEntry(name, "Title", ""), clock.now())
        assert ScopeEntry(name, "Title", "") in await scopes.load(tx)
        assert await scopes.remove(tx, name)

"""Back-channel logout: what the token says and an answer means; queued, claimed once, tried again, written down."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
import pytest_asyncio
from joserfc import jws

from tessera_authz.backchannel_logout import BackchannelLogout, Effort
from tessera_authz.protocol import backchannel_logout as rules
from tessera_authz.store import clients, logout_deliveries
from tessera_authz.store.clients import ClientDirectory
from tessera_authz.store.logout_deliveries import Attempt, LogoutDeliveryStore
from tessera_authz.tokens.signer import Signer
from tessera_shared import clock
from tessera_shared.fetch import Fetched, NotFetched
from tessera_shared.keystore.live import LiveRing
from tessera_shared.keystore.rotation import RotationPolicy, rotate
from tessera_shared.keystore.store import KeyStore
from tessera_shared.pairwise import Subjects
from tessera_shared.rotating_key import RotatingKey

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ISSUER = "https://issuer.example"
URI = "https://rp.example/backchannel"
SUBJECTS = Subjects(b"m" * 32)
POLICY = RotationPolicy(("RS256", "ES256", "A256GCM"), timedelta(days=90), timedelta(days=1), timedelta(days=2))


def test_logout_token_says_who_which_session_and_that_it_is_a_logout():
    assert rules.claims(ISSUER, "shop", ("alice", "sid-1"), "jti-1", NOW) == {
        "iss": ISSUER,
        "aud": "shop",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 120,
        "jti": "jti-1",
        "sub": "alice",
        "sid": "sid-1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }


@pytest.mark.parametrize(
    ("status", "means"),
    [(200, "delivered"), (204, "delivered"), (400, "refused"), *((code, None) for code in (201, 401, 404, 500, 503))],
)
def test_only_200_and_204_are_taken_and_400_is_for_good(status, means):
    assert rules.outcome(status) == means


def test_waits_grow_fivefold_and_end():
    first = timedelta(seconds=1)
    waits = [rules.next_attempt(made, 4, first, NOW) for made in (1, 2, 3, 4)]
    assert waits == [*(NOW + timedelta(seconds=seconds) for seconds in (1, 5, 25)), None]


class Clients:
    """Answers logout tokens as a test says; the last answer stays."""

    def __init__(self, *answers, seconds=0.0):
        self.answers, self.seconds, self.told = list(answers), seconds, []

    async def post(self, url, content, content_type):
        """As the fetcher does."""
        assert (url, content_type) == (URI, "application/x-www-form-urlencoded")
        self.told.append(parse_qs(content.decode())["logout_token"][0])
        await asyncio.sleep(self.seconds)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Fetched(answer, {}, b"")


class Issuer:
    """Sessions end, and their clients are told, on a database of the test's own."""

    def __init__(self, authz, idp, ring):
        self.authz, self.idp, self.ring = authz, idp, ring

    async def add_client(self, **metadata):
        """A client; by default it wants to be told."""
        name = uuid4().hex
        async with self.authz.transaction() as tx:
            stored = {"scope": "openid", "backchannel_logout_uri": URI, **metadata}
            assert await clients.add(tx, name, stored, None, clock.now())
        return name

    async def add_session(self, *client_ids, revoked=False, scope=("openid",)):
        """A session in which each of these clients got something."""
        sid, sub = uuid4().hex, uuid4().hex
        await self.idp.execute(
            "INSERT INTO idp.users (sub, username, claims, created_at, updated_at) VALUES ($1, $1, '{}', now(), now())",
            sub,
        )
        await self.idp.execute(
            "INSERT INTO idp.sessions (sid, cookie_hash, sub, auth_time, acr, amr, user_agent, address, created_at,"
            " expires_at) VALUES ($1::text, convert_to($1, 'UTF8'), $2, now(), 'x', '{pwd}', '', '', now(),"
            " now() + interval '1 hour')",
            sid,
            sub,
        )
        for client_id in client_ids:
            await self.authz.execute(
                "INSERT INTO authz.grants (id, client_id, sub, scope, sid, auth_time, acr, amr, created_at, expires_at,"
                " revoked_at) VALUES ($1, $2, $3, $4, $5, now(), 'x', '{pwd}', now(), now() + interval '1 day', $6)",
                uuid4(),
                client_id,
                sub,
                list(scope),
                sid,
                clock.now() if revoked else None,
            )
        return sid, sub

    async def end(self, sid):
        """End it, as whatever ends it does."""
        await self.idp.execute("UPDATE idp.sessions SET ended_at = $2 WHERE sid = $1", sid, clock.now())

    def teller(self, told, **effort):
        """A replica of authz."""
        values = {"attempts": 3, "first_wait": timedelta(milliseconds=1), "parallel": 4, **effort}
        return BackchannelLogout(
            database=self.authz,
            deliveries=LogoutDeliveryStore(self.authz),
            directory=ClientDirectory(self.authz, lambda _: None),
            signer=Signer(self.ring, "ES256", "RS256"),
            fetcher=told,
            subjects=SUBJECTS,
            issuer=ISSUER,
            effort=Effort(**values),
        )

    async def recorded(self, **of):
        """What operators see."""
        rows = await logout_deliveries.list_all(self.authz, of.get("client_id"), of.get("sub"), of.get("outcome"), 100)
        return [(row["client_id"], row["outcome"], row["attempts"], row["status"]) for row in rows]

    async def told_clients(self, sub):
        """Which clients took it."""
        return {row[0] for row in await self.recorded(sub=sub, outcome="delivered")}


@contextlib.asynccontextmanager
async def running(*tellers):
    tasks = [asyncio.create_task(teller.deliver()) for teller in tellers]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(recorded, wanted):
    async with asyncio.timeout(10):
        while (found := await recorded()) != wanted:
            await asyncio.sleep(0.01)
    return found


@pytest_asyncio.fixture
async def issuer(fresh_database_as):
    authz, idp = await fresh_database_as("authz"), await fresh_database_as("idp")
    store = KeyStore(authz, RotatingKey(b"k" * 32))

    async def load():
        return await rotate(authz, store, POLICY, clock.now())

    return Issuer(authz, idp, LiveRing(await load(), load))


integration = pytest.mark.integration


@integration
async def test_each_client_of_the_session_that_wants_it_is_told_and_no_other(issuer):
    shop, again = await issuer.add_client(), await issuer.add_client(id_token_signed_response_alg="ES256")
    silent = await issuer.add_client(backchannel_logout_uri=None)
    elsewhere = await issuer.add_client()
    sid, sub = await issuer.add_session(shop, again, shop, silent)
    await issuer.add_session(elsewhere)
    told = Clients(200)
    async with running(issuer.teller(told)):
        await issuer.end(sid)
        await until(lambda: issuer.told_clients(sub), {shop, again})
    tokens = [jws.extract_compact(token.encode()) for token in told.told]
    assert {token.headers()["typ"] for token in tokens} == {"logout+jwt"}
    found = {json.loads(token.payload)["aud"]: (token.headers()["alg"], json.loads(token.payload)) for token in tokens}
    assert {client: alg for client, (alg, _) in found.items()} == {shop: "RS256", again: "ES256"}
    assert all((claims["sid"], claims["sub"]) == (sid, sub) for _, claims in found.values())
    assert len({claims["jti"] for _, claims in found.values()}) == 2


@integration
async def test_a_client_is_told_the_subject_that_its_tokens_name(issuer):
    pairwise = {"subject_type": "pairwise", "redirect_uris": ["https://rp.example/cb"]}
    sid, sub = await issuer.add_session(await issuer.add_client(**pairwise))
    told = Clients(200)
    async with running(issuer.teller(told)):
        await issuer.end(sid)
        await until(lambda: issuer.recorded(outcome="pending"), [])
    [token] = told.told
    assert json.loads(jws.extract_compact(token.encode()).payload)["sub"] == SUBJECTS.told(sub, "rp.example") != sub


@integration
async def test_a_client_whose_grant_was_revoked_before_is_told_too(issuer):
    sid, sub = await issuer.add_session(await issuer.add_client(), revoked=True)
    await issuer.end(sid)
    assert len(await issuer.recorded(sub=sub)) == 1


@integration
async def test_a_session_ends_once(issuer):
    sid, sub = await issuer.add_session(await issuer.add_client())
    await issuer.end(sid)
    await issuer.end(sid)
    assert len(await issuer.recorded(sub=sub)) == 1


@integration
async def test_of_several_replicas_one_tells(issuer):
    sessions = [await issuer.add_session(await issuer.add_client()) for _ in range(10)]
    told = Clients(204, seconds=0.05)
    async with running(*(issuer.teller(told) for _ in range(4))):
        for sid, _sub in sessions:
            await issuer.end(sid)
        async with asyncio.timeout(10):
            while len(await issuer.recorded(outcome="delivered")) < len(sessions):
                await asyncio.sleep(0.01)
    assert len(told.told) == len(sessions)


@integration
async def test_what_is_not_taken_is_tried_again_with_a_new_token_until_it_is(issuer):
    client = await issuer.add_client()
    sid, _sub = await issuer.add_session(client)
    told = Clients(500, NotFetched("no whole answer"), 200)
    async with running(issuer.teller(told)):
        await issuer.end(sid)
        await until(issuer.recorded, [(client, "delivered", 3, 200)])
    assert len(set(told.told)) == 3


@integration
async def test_it_is_given_up_after_the_last_attempt_and_a_refusal_at_once(issuer):
    client = await issuer.add_client()
    sid, _sub = await issuer.add_session(client)
    async with running(issuer.teller(Clients(503))):
        await issuer.end(sid)
        await until(issuer.recorded, [(client, "failed", 3, 503)])
    other = await issuer.add_client()
    sid, sub = await issuer.add_session(other)
    async with running(issuer.teller(Clients(400))):
        await issuer.end(sid)
        await until(lambda: issuer.recorded(sub=sub), [(other, "refused", 1, 400)])


@integration
async def test_a_claim_ends_by_itself_and_its_late_result_does_not_count(issuer):
    sid, _sub = await issuer.add_session(await issuer.add_client())
    await issuer.end(sid)
    store, now = LogoutDeliveryStore(issuer.authz), clock.now()
    until_then = now + timedelta(seconds=20)
    [lost] = await store.claim(5, now, until_then)
    assert await store.claim(5, now, until_then) == []
    [taken_over] = await store.claim(5, until_then, until_then + timedelta(seconds=20))
    assert (taken_over.id, taken_over.attempts) == (lost.id, 2)
    await store.record(lost, Attempt("failed", None), now)
    assert [row[1] for row in await issuer.recorded()] == ["pending"]
    await store.record(taken_over, Attempt("delivered", None, 200), now)
    assert [row[1] for row in await issuer.recorded()] == ["delivered"]


@integration
async def test_first_attempts_go_before_retries(issuer):
    early, _ = await issuer.add_session(await issuer.add_client())
    await issuer.end(early)
    store, now = LogoutDeliveryStore(issuer.authz), clock.now()
    [tried] = await store.claim(1, now, now + timedelta(seconds=20))
    await store.record(tried, Attempt(None, now, 500, "x"), now)
    late, _ = await issuer.add_session(await issuer.add_client())
    await issuer.end(late)
    [first] = await store.claim(1, clock.now(), now + timedelta(seconds=20))
    assert first.sid == late


@integration
async def test_records_are_forgotten_but_never_what_is_still_to_be_told(issuer):
    for _ in range(2):
        sid, _sub = await issuer.add_session(await issuer.add_client())
        await issuer.end(sid)
    store, now = LogoutDeliveryStore(issuer.authz), clock.now()
    [done] = await store.claim(1, now, now)
    await store.record(done, Attempt("delivered", None, 200), now)
    await store.purge(now + timedelta(seconds=1))
    assert [row[1] for row in await issuer.recorded()] == ["pending"]


@integration
@pytest.mark.parametrize(("which", "left"), [("online", {"offline"}), ("all", set()), ("none", {"online", "offline"})])
async def test_which_grants_a_logout_ends_is_a_setting(issuer, which, left):
    client = await issuer.add_client()
    sid, sub = await issuer.add_session(client)
    await issuer.authz.execute("UPDATE authz.grants SET nonce = 'online' WHERE sub = $1", sub)
    await issuer.authz.execute(
        "INSERT INTO authz.grants (id, client_id, sub, scope, sid, auth_time, acr, amr, created_at, expires_at, nonce)"
        " SELECT $2, client_id, sub, '{openid,offline_access}', sid, auth_time, acr, amr, created_at, expires_at,"
        " 'offline' FROM authz.grants WHERE sub = $1",
        sub,
        uuid4(),
    )
    await issuer.idp.fetch("SELECT authz.revoke_session($1, $2, $3)", sid, clock.now(), which)
    live = await issuer.authz.fetch("SELECT nonce FROM authz.grants WHERE sub = $1 AND revoked_at IS NULL", sub)
    assert {row["nonce"] for row in live} == left

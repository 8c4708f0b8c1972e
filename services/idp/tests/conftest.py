"""The real application on the real PostgreSQL and Redis, its keys made as authz makes them."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from stack.embedded_environment import environment_of
from stack.mailbox.box import Box, Letter
from stack.mailbox.smtp import listen
from stack.ports import HOST, Ports, free_port
from tessera_idp.app import build_app
from tessera_idp.config import PREFIX, IdpConfig
from tessera_idp.demo_user import ensure_demo_user
from tessera_idp.keys import wait_for_keys
from tessera_idp.mail.delivery import Delivery, counted, load_server
from tessera_idp.parts import Parts, build_parts
from tessera_idp.startup import start_background
from tessera_shared import clock
from tessera_shared.config import load
from tessera_shared.db import Database
from tessera_shared.handoff import Answer, Ask, ClientDisplay, open_answer, seal_ask
from tessera_shared.jose.jwt import mint
from tessera_shared.keystore.ring import KeyRing
from tessera_shared.keystore.rotation import RotationPolicy, rotate
from tessera_shared.keystore.store import KeyStore
from tessera_shared.redis import Redis
from tessera_shared.rotating_key import RotatingKey, load_master_key

ROOT = Path(__file__).parents[3]
POLICY = RotationPolicy(("RS256", "ES256", "A256GCM"), timedelta(days=90), timedelta(days=1), timedelta(days=2))
CLIENT = ClientDisplay("demo-client", "Demo Client")
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Idp:
    """The service under test, with what a test needs to play authz and the browser."""

    config: IdpConfig
    parts: Parts
    app: ASGIApp
    authz: Database
    box: Box
    master_key: RotatingKey = field(repr=False)

    @property
    def ring(self) -> KeyRing:
        """The keys that authz and idp share."""
        return self.parts.ring.current

    def browser(self, app: ASGIApp | None = None, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """A browser without cookies, at an address."""
        transport = httpx.ASGITransport(app or self.app, client=(address, 123))
        return httpx.AsyncClient(transport=transport, base_url=self.config.public_url)

    def ask(self, want: str = "login", **changes: Any) -> str:
        """The address that authz sends a browser to."""
        values: dict[str, Any] = {
            "step": str(uuid4()),
            "want": want,
            "client": CLIENT,
            "scope": ("openid", "profile"),
            "redirect_origin": "http://localhost:3000",
        }
        ask = Ask(**{**values, **changes})
        now = clock.now()
        sealed = seal_ask(ask, self.ring.active("enc", "A256GCM", now), now)
        return f"/oidc/v1/{want}?{urlencode({'ask': sealed})}"

    def answer(self, response: httpx.Response) -> Answer:
        """What authz reads from the redirect."""
        assert response.status_code == 303, response.text
        location = urlsplit(response.headers["location"])
        assert f"{location.scheme}://{location.netloc}{location.path}" == (
            f"{self.config.issuer}/oauth2/v1/authorize/resume"
        )
        return open_answer(parse_qs(location.query)["answer"][0], self.ring, clock.now())

    async def mail(self, to: str, after: int = 0) -> Letter:
        """The newest mail to that address, as soon as there is one later than the mail of the id `after`."""
        found = await self.box.wait(to, after, 10)
        assert found, "no mail"
        return found[-1]

    async def add_user(self, **claims: Any) -> str:
        """A user with a name of its own and the password PASSWORD; returns the sub, which is also the username."""
        sub = str(uuid4())
        hashed = await self.parts.passwords.hash(PASSWORD)
        assert await self.parts.users.add(sub, sub, claims, hashed, clock.now())
        return sub

    async def disable(self, sub: str) -> None:
        """Disable a user."""
        await self.parts.database.execute("UPDATE idp.users SET disabled = true WHERE sub = $1", sub)

    async def log_in(self, browser: httpx.AsyncClient, username: str, **changes: Any) -> Answer:
        """Log a browser in by the page."""
        page = await browser.get(self.ask(**changes))
        assert page.status_code == 200, page.text
        return self.answer(await self.submit(browser, page, username=username, password=PASSWORD, action="login"))

    async def submit(self, browser: httpx.AsyncClient, page: httpx.Response, **typed: str) -> httpx.Response:
        """Send a page's form, as a browser does."""
        return await browser.post(page.url.path, data={**hidden_fields(page), **typed})

    async def is_logged_in(self, browser: httpx.AsyncClient) -> bool:
        """What prompt=none finds."""
        return self.answer(await browser.get(self.ask(silent=True))).outcome == "authenticated"

    async def add_client(self, **metadata: Any) -> str:
        """A client with this metadata; returns its client_id."""
        client_id = str(uuid4())
        await self.authz.execute(
            "INSERT INTO authz.clients (client_id, metadata, created_at, updated_at) VALUES ($1, $2, now(), now())",
            client_id,
            json.dumps(metadata),
        )
        return client_id

    async def add_grant(self, client_id: str, sub: str, sid: str) -> str:
        """What authz stores when the user allowed the client something in that session."""
        grant_id = await self.authz.fetchval(
            "INSERT INTO authz.grants (id, client_id, sub, scope, sid, auth_time, acr, amr, created_at, expires_at)"
            " VALUES ($1, $2, $3, '{openid}', $4, now(), 'x', '{pwd}', now(), now() + interval '1 hour') RETURNING id",
            uuid4(),
            client_id,
            sub,
            sid,
        )
        return str(grant_id)

    def access_token(self, sub: str, *, typ: str = "at+jwt", **changes: Any) -> str:
        """As authz makes it; a claim of None is left out."""
        now = clock.seconds(clock.now())
        claims = {
            "iss": self.config.issuer,
            "aud": self.config.issuer,
            "sub": sub,
            "client_id": "demo-client",
            "iat": now,
            "exp": now + 600,
            "jti": uuid4().hex,
            "scope": "openid",
        }
        return self._sign({**claims, **changes}, "ES256", typ)

    def id_token(self, client_id: str, sub: str, sid: str | None, *, typ: str = "JWT", **changes: Any) -> str:
        """As authz makes it; a claim of None is left out."""
        now = clock.seconds(clock.now())
        claims = {"iss": self.config.issuer, "aud": client_id, "sub": sub, "sid": sid, "iat": now, "exp": now + 600}
        return self._sign({**claims, **changes}, "RS256", typ)

    def _sign(self, claims: dict[str, Any], alg: str, typ: str) -> str:
        key = self.ring.active("sig", alg, clock.now())
        present = {name: value for name, value in claims.items() if value is not None}
        return mint(present, key=key.key, kid=key.kid, alg=alg, typ=typ)


def hidden_fields(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's form: the one with the id `form`, where there are several."""
    main = re.search(r'<form [^>]*id="form".*?</form>', page.text, re.DOTALL)
    text = page.text if main is None else main[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))


@pytest.fixture(scope="session")
def fields():
    return hidden_fields


@pytest.fixture(scope="session")
def password() -> str:
    return PASSWORD


@asynccontextmanager
async def running(servers, authz: Database, database: Database, redis: Redis) -> AsyncIterator[Idp]:
    """The service as its start-up makes it, without a port."""
    with pytest.MonkeyPatch.context() as patch:
        ports = Ports(smtp=free_port())
        for name, value in environment_of("idp", ports, servers).items():
            patch.setenv(name, value)
        config = load(IdpConfig, ROOT / "configs" / "idp.yml", PREFIX)
    master_key = load_master_key(config.keys.master_key_file)
    await rotate(authz, KeyStore(authz, master_key), POLICY, clock.now())
    await authz.execute("INSERT INTO authz.access_token_lifetimes VALUES (600, now()) ON CONFLICT DO NOTHING")
    keys = await wait_for_keys(database, master_key, "RS256", 0)
    parts = build_parts(config, database, redis, keys)
    await ensure_demo_user(parts.users, parts.passwords)
    await parts.revocations.load()
    box = Box(500)
    mail_server = await listen(box, HOST, ports.smtp)
    background = start_background(
        parts, Delivery(database, parts.mailer, load_server(config.mail), counted(parts.metrics))
    )
    yield Idp(config, parts, build_app(config, parts, master_key), authz, box, master_key)
    await background.stop()
    mail_server.close()
    parts.passwords.close()
    await parts.metadata.close()
    await parts.fetcher.close()


@pytest_asyncio.fixture(scope="session")
async def idp(data_servers, database_as, redis_as) -> AsyncIterator[Idp]:
    """The service on the servers that all tests share."""
    async with running(
        data_servers, await database_as("authz"), await database_as("idp"), await redis_as("idp")
    ) as service:
        yield service


@pytest_asyncio.fixture(scope="module")
async def own_idp(own_servers, own_database_as, own_redis_as) -> AsyncIterator[Idp]:
    """The service on servers that this module may stop and start."""
    async with running(
        own_servers, await own_database_as("authz"), await own_database_as("idp"), await own_redis_as("idp")
    ) as service:
        yield service


@pytest_asyncio.fixture
async def browser(idp: Idp) -> AsyncIterator[httpx.AsyncClient]:
    async with idp.browser() as client:
        yield client


@pytest.fixture
def address() -> str:
    """An address that no other test comes from, so that what others tried does not count."""
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"

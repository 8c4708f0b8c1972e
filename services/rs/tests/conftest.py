"""The real resource server as a process, beside an issuer that is a key ring and a function that mints tokens."""

import asyncio
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from stack.embedded_environment import environment_of
from stack.ports import Ports
from tessera_shared import clock
from tessera_shared.jose.jwt import mint
from tessera_shared.keystore.publication import publish
from tessera_shared.keystore.rotation import RotationPolicy, rotate
from tessera_shared.keystore.store import KeyStore
from tessera_shared.revocation import durable
from tessera_shared.revocation.entry import Revocation
from tessera_shared.rotating_key import load_master_key

CONFIG = Path(__file__).parents[3] / "configs" / "rs.yml"
HOUR = timedelta(hours=1)
POLICY = RotationPolicy(("ES256", "RS256"), timedelta(days=90), timedelta(days=1), timedelta(days=2))


class Issuer:
    """What authz does, as far as a resource server can see it."""

    def __init__(self, url, database, redis, ring):
        self.url = url
        self.database = database
        self.redis = redis
        self.ring = ring

    def claims(self, **changes):
        """Claims of a token that is valid everywhere, but for the changes; None leaves a claim out."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": self.url, "sub": "alice", "client_id": "client", "iat": now}
        claims |= {"exp": now + 600, "jti": uuid4().hex, "grant_id": uuid4().hex, "scope": "openid profile", **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *, alg="ES256", typ="at+jwt", **changes):
        """A token with these changes."""
        key = self.ring.active("sig", alg, clock.now())
        return mint(self.claims(**changes), key=key.key, kid=key.kid, alg=alg, typ=typ)

    async def publish(self):
        """Publish the keys over Redis."""
        await publish(self.redis, self.ring.public_jwks(clock.now()))

    async def revoke(self, kind, value, *, announced=True):
        """Revoke as authz does: durable first, then announced."""
        revocation = Revocation(kind, value, clock.now() + HOUR)
        await durable.add(self.database, revocation)
        if announced:
            await durable.announce(self.redis, [revocation], HOUR, clock.now())


class Service:
    """One `python -m tessera_rs`."""

    def __init__(self, url, environment, log):
        self.url = url
        self.log = log
        self.environment = environment
        self.process = None

    async def start(self):
        """Start it, without waiting until it is ready."""
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tessera_rs", "--config", str(CONFIG)),
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )

    async def healthy(self, http, *, seconds=15):
        """Wait until /health is 200."""
        deadline = time.monotonic() + seconds
        while not await self._answers_ok(http):
            assert self.process.returncode is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            await asyncio.sleep(0.05)

    async def _answers_ok(self, http):
        try:
            return (await http.get(f"{self.url}/health")).status_code == 200
        except httpx.TransportError:
            return False

    async def stop(self):
        """Ask it to stop, and wait; returns its exit status."""
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 12)


@pytest.fixture(scope="module")
async def issuer(own_servers, own_database_as, own_redis_as):
    database, redis = await own_database_as("authz"), await own_redis_as("authz")
    store = KeyStore(database, load_master_key(own_servers.password_file("authz", "master_key")))
    made = Issuer("http://issuer.example:8080", database, redis, await rotate(database, store, POLICY, clock.now()))
    await made.publish()
    return made


@pytest.fixture(scope="module")
async def http():
    async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def new_service(own_servers, issuer, tmp_path_factory):
    """Describe a resource server on a free port, with these environment variables on top."""

    def describe(**variables):
        ports = Ports.free()
        environment = {
            **environment_of("rs", ports, own_servers),
            "TESSERA_RS_ISSUER": issuer.url,
            "TESSERA_RS_JWKS_URL": "http://127.0.0.1:9/jwks",
            **{f"TESSERA_RS_{name}": value for name, value in variables.items()},
        }
        return Service(ports.url("rs"), environment, tmp_path_factory.mktemp("rs") / "log")

    return describe


@pytest.fixture(scope="module")
async def rs(new_service, http):
    """A healthy resource server with the default settings."""
    service = new_service()
    await service.start()
    try:
        await service.healthy(http)
        yield service
    finally:
        await service.stop()

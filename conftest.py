"""Real PostgreSQL and Redis for the integration tests of all packages, with the real migrate step run on them.

Containers (testcontainers) where Docker answers, else the embedded servers; `DATA_SERVERS=containers` or `embedded`
chooses. A test that stops a server takes `own_servers`; all others share `data_servers`. A real service gets its
environment for either of them from `stack.embedded_environment.environment_of`.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self
from uuid import uuid4

import docker
import pytest
import pytest_asyncio
import redis
from docker.errors import APIError, DockerException
from hypothesis import settings
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from stack.embedded_environment import environment_of
from stack.ports import Ports, free_port
from stack.servers import DataServers
from tessera_shared.config import Database as DatabaseConfig
from tessera_shared.config import Redis as RedisConfig
from tessera_shared.db import Database, connect
from tessera_shared.demo_certificates import make_certificates
from tessera_shared.provision import provision
from tessera_shared.redis import Redis
from tessera_shared.schema import migrate

ROOT = Path(__file__).parent
POSTGRES_IMAGE, REDIS_IMAGE = "postgres:17-trixie", "redis:8"
OWNER = DATABASE = "tessera"

settings.register_profile("tessera", deadline=None)  # how long an example takes is the machine's matter
settings.load_profile("tessera")

DatabaseAs = Callable[[str], Awaitable[Database]]
RedisAs = Callable[[str], Awaitable[Redis]]


class ContainerServers:
    """PostgreSQL and Redis in containers, to be used as `stack.servers.DataServers` is."""

    database = DATABASE
    owner = OWNER

    def __init__(self, folder: Path) -> None:
        testcontainers_config.ryuk_disabled = True  # its image cannot be pulled everywhere; `stop` removes ours
        self.secrets = folder / "secrets"
        make_certificates(self.secrets)
        provision(self.secrets)
        password = self.password_file("migrate", "database_password").read_text().strip()
        self._postgres = PostgresContainer(POSTGRES_IMAGE, username=OWNER, password=password, dbname=DATABASE)
        self._postgres.with_command("postgres -c fsync=off")  # a crash of the server loses nothing by it
        self._redis = DockerContainer(REDIS_IMAGE)
        self._redis.with_copy_into_container(self.secrets / "redis" / "users.acl", "/etc/users.acl", 0o644)
        self._redis.with_command("redis-server --aclfile /etc/users.acl --appendonly yes --dir /data")
        self._containers: dict[str, DockerContainer] = {"postgres": self._postgres, "redis": self._redis}

    def __enter__(self) -> Self:
        try:
            _start_on_a_free_port(self._postgres, 5432)
            _start_on_a_free_port(self._redis, 6379)
        except BaseException:
            self.__exit__()
            raise
        self.host = self._postgres.get_container_host_ip().replace("localhost", "127.0.0.1")
        self.postgres_port = self._postgres.get_exposed_port(5432)
        self.redis_port = self._redis.get_exposed_port(6379)
        self._wait(*self._containers)
        return self

    def __exit__(self, *_: object) -> None:
        for container in self._containers.values():
            container.stop()

    def password_file(self, consumer: str, name: str) -> Path:
        """A secret's file, such as `password_file("authz", "redis_password")`."""
        return self.secrets / consumer / name

    def start(self, *names: str) -> None:
        """Start the named servers, or both, and wait until they answer."""
        for name in names or self._containers:
            self._containers[name].get_wrapped_container().start()
        self._wait(*(names or self._containers))

    def kill(self, *names: str) -> None:
        """End the named servers, or both, as a crash does."""
        for name in names or self._containers:
            self._containers[name].get_wrapped_container().kill()

    def pause(self, name: str) -> None:
        """Let the named server hang: connections stay open, nothing answers."""
        self._containers[name].get_wrapped_container().pause()

    def resume(self, name: str) -> None:
        """Let it go on."""
        self._containers[name].get_wrapped_container().unpause()

    def lose_redis_data(self) -> None:
        """Crash Redis and delete what it had stored."""
        self._redis.exec(["rm", "-rf", "/data/appendonlydir", "/data/dump.rdb"])
        self.kill("redis")

    def _wait(self, *names: str) -> None:
        deadline = time.monotonic() + 60
        while not all(self._answers(name) for name in names):
            assert time.monotonic() < deadline, f"no answer from {names}"  # noqa: S101 - a fixture's own check
            time.sleep(0.05)

    def _answers(self, name: str) -> bool:
        if name == "postgres":
            ready = self._postgres.exec(["pg_isready", "--host=127.0.0.1", f"--username={OWNER}"])
            return ready.exit_code == 0
        password = self.password_file("redis", "health_password").read_text().strip()
        with suppress(redis.RedisError):
            return bool(redis.Redis(self.host, self.redis_port, username="health", password=password).ping())
        return False


def _start_on_a_free_port(container: DockerContainer, inside: int) -> None:
    """Start it on a fixed port, which it keeps when it is stopped and started; another if that one is taken."""
    for left in reversed(range(5)):
        try:
            container.with_bind_ports(inside, free_port()).start()
        except APIError as error:  # Docker's ports may be another machine's, which cannot be asked beforehand
            if not left or "port is already allocated" not in str(error):
                raise
            container.get_wrapped_container().remove(force=True, v=True)
        else:
            return


class EmbeddedServers(DataServers):
    """The embedded servers, which can hang and lose Redis's data too."""

    def pause(self, name: str) -> None:
        """Let the named server hang: connections stay open, nothing answers."""
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let it go on."""
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the server and its children: each of PostgreSQL's connections has a process of its own."""
        pid = str(self.processes[name].pid)
        children = subprocess.run(["pgrep", "-P", pid], capture_output=True, text=True, check=False)  # noqa: S603, S607
        for process in (pid, *children.stdout.split()):
            os.kill(int(process), number)

    def lose_redis_data(self) -> None:
        """Crash Redis and delete what it had stored."""
        self.kill("redis")
        shutil.rmtree(self.folder / "redis")


Servers = ContainerServers | EmbeddedServers


def pytest_report_header() -> str:
    """Say in the first lines which servers the integration tests use."""
    return f"data servers: {_kind()}"


@pytest.fixture(scope="session")
def data_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL and Redis, migrated, for the whole session. Not to be stopped by a test."""
    with _new_servers(tmp_path_factory.mktemp("servers")) as servers:
        _run_migrate_step(servers)
        yield servers


@pytest.fixture(scope="module")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL and Redis, migrated, for one module whose tests stop and start them."""
    with _new_servers(tmp_path_factory.mktemp("own")) as servers:
        _run_migrate_step(servers)
        yield servers


@pytest_asyncio.fixture(scope="session")
async def database_as(data_servers: Servers) -> AsyncIterator[DatabaseAs]:
    """Opens the `Database` of a role: `authz`, `idp`, `rs` or `owner`."""
    async with _databases(data_servers) as open_as:
        yield open_as


@pytest_asyncio.fixture(scope="session")
async def redis_as(data_servers: Servers) -> AsyncIterator[RedisAs]:
    """Opens the `Redis` of a user: `authz`, `idp` or `rs`."""
    async with _redises(data_servers) as open_as:
        yield open_as


@pytest_asyncio.fixture(scope="module")
async def own_database_as(own_servers: Servers) -> AsyncIterator[DatabaseAs]:
    """As `database_as`, on `own_servers`."""
    async with _databases(own_servers) as open_as:
        yield open_as


@pytest_asyncio.fixture(scope="module")
async def own_redis_as(own_servers: Servers) -> AsyncIterator[RedisAs]:
    """As `redis_as`, on `own_servers`."""
    async with _redises(own_servers) as open_as:
        yield open_as


@pytest_asyncio.fixture(scope="session")
async def migrated_template(data_servers: Servers, database_as: DatabaseAs) -> str:
    """The name of a migrated database that nothing writes to: others are copied from it."""
    name = "template_migrated"
    await (await database_as("owner")).execute(f"CREATE DATABASE {name}")
    async with _databases(data_servers, name) as open_as, (await open_as("owner")).transaction() as tx:
        await migrate(tx)
    return name


@pytest_asyncio.fixture
async def fresh_database_as(
    data_servers: Servers, database_as: DatabaseAs, migrated_template: str
) -> AsyncIterator[DatabaseAs]:
    """As `database_as`, on a migrated database of this one test, which nothing else has written to."""
    name = f"test_{uuid4().hex}"
    owner = await database_as("owner")
    await owner.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    try:
        async with _databases(data_servers, name) as open_as:
            yield open_as
    finally:
        await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def _databases(servers: Servers, name: str = DATABASE) -> AsyncIterator[DatabaseAs]:
    pools: dict[str, Database] = {}

    async def open_as(role: str) -> Database:
        if role not in pools:
            pools[role] = await connect(_database_config(servers, role, name))
        return pools[role]

    yield open_as
    for pool in pools.values():
        await pool.close()


@asynccontextmanager
async def _redises(servers: Servers) -> AsyncIterator[RedisAs]:
    clients: dict[str, Redis] = {}

    async def open_as(user: str) -> Redis:
        if user not in clients:
            password_file = servers.password_file(user, "redis_password")
            clients[user] = Redis(
                RedisConfig(host=servers.host, port=servers.redis_port, user=user, password_file=password_file)
            )
        return clients[user]

    yield open_as
    for client in clients.values():
        await client.close()


def _database_config(servers: Servers, role: str, name: str) -> DatabaseConfig:
    consumer, user = ("migrate", servers.owner) if role == "owner" else (role, f"tessera_{role}")
    return DatabaseConfig(
        host=servers.host,
        port=servers.postgres_port,
        name=name,
        user=user,
        password_file=servers.password_file(consumer, "database_password"),
        pool_size=12,
    )


def _new_servers(folder: Path) -> Servers:
    return ContainerServers(folder) if _kind() == "containers" else EmbeddedServers(folder)


def _kind() -> str:
    """Containers where Docker answers, unless the environment chooses."""
    chosen = os.environ.get("DATA_SERVERS")
    if chosen in ("containers", "embedded"):
        return chosen
    try:
        docker.from_env(timeout=5).ping()
    except DockerException:
        return "embedded"
    return "containers"


def _run_migrate_step(servers: Servers) -> None:
    environment = environment_of("migrate", Ports(), servers)
    command = [sys.executable, "-m", "tessera_shared.schema", "--config", str(ROOT / "configs" / "migrate.yml")]
    subprocess.run(command, env={**os.environ, **environment}, check=True)  # noqa: S603 - our own module

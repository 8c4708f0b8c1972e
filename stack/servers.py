"""The two data servers, PostgreSQL and Valkey, in one folder: for the embedded stack and for tests that need real ones.

with DataServers(folder) as servers:
    servers.postgres_port, servers.password_file("authz", "database_password")
    servers.kill("postgres")
    servers.start("postgres")
"""

from pathlib import Path
from types import TracebackType
from typing import Self

from stack.ports import HOST, free_port
from stack.postgres import DATABASE, OWNER, Postgres
from stack.process import Process
from stack.valkey import Valkey
from tessera_shared.demo_certificates import make_certificates
from tessera_shared.provision import provision

__all__ = ["DataServers"]


class DataServers:
    """PostgreSQL and Valkey with their secrets; what they hold stays in `folder` when they stop."""

    host = HOST
    database = DATABASE
    owner = OWNER

    def __init__(self, folder: Path, *, logs: Path | None = None) -> None:
        self.folder = folder.resolve()
        self.secrets = self.folder / "secrets"
        self.logs = (logs or self.folder / "logs").resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)  # PostgreSQL may run as another user and must pass through
        make_certificates(self.secrets)
        provision(self.secrets)
        self.postgres_port = free_port()
        self.redis_port = free_port()
        self._servers: dict[str, Postgres | Valkey] = {
            "postgres": Postgres(
                self.folder / "postgres",
                port=self.postgres_port,
                password_file=self.secrets / "postgres" / "password",
                log=self.logs / "postgres.log",
            ),
            "redis": Valkey(
                self.folder / "redis",
                port=self.redis_port,
                acl_file=self.secrets / "redis" / "users.acl",
                log=self.logs / "redis.log",
            ),
        }

    @property
    def processes(self) -> dict[str, Process]:
        """Both processes by name: `postgres` and `redis`."""
        return {name: server.process for name, server in self._servers.items()}

    def password_file(self, consumer: str, name: str) -> Path:
        """A secret's file, such as `password_file("authz", "redis_password")`."""
        return self.secrets / consumer / name

    def dsn(self, user: str = OWNER) -> str:
        """The address for a PostgreSQL client: for the owner, or a service's role such as `tessera_rs`."""
        service = user.removeprefix("tessera_")
        place = ("postgres", "password") if user == OWNER else (service, "database_password")
        password = self.password_file(*place).read_text(encoding="ascii").strip()
        return f"postgresql://{user}:{password}@{HOST}:{self.postgres_port}/{DATABASE}"

    def start(self, *names: str) -> None:
        """Start the named servers, or both, and wait until they answer."""
        for name in names or ("postgres", "redis"):
            self._servers[name].start()

    def stop(self, *names: str) -> None:
        """Stop the named servers, or both, gracefully."""
        for name in names or ("redis", "postgres"):
            self._servers[name].process.stop()

    def kill(self, *names: str) -> None:
        """End the named servers, or both, with SIGKILL, as a crash does."""
        for name in names or ("redis", "postgres"):
            self._servers[name].process.kill()

    def ready(self, name: str) -> bool:
        """Whether the named server takes connections."""
        return self._servers[name].ready()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

"""Configuration: one YAML file and the environment, merged into frozen, checked types.

Every key of the file can be given by the environment: `TESSERA_AUTHZ_DATABASE__HOST` is `database.host` of authz.
An unknown key, a missing value and a wrong type each name their place.
"""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from tessera_shared.errors import StartupError

__all__ = [
    "Database",
    "Dpop",
    "Fetch",
    "Listen",
    "Log",
    "Redis",
    "Section",
    "ServiceConfig",
    "Tls",
    "Tracing",
    "load",
    "read_secret",
]


class Section(BaseModel):
    """A part of a configuration; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(Section):
    """Where the service's port opens."""

    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535)


class Tls(Listen):
    """A second port, which speaks TLS and asks for client certificates (RFC 8705)."""

    public_url: str
    certificate_file: Path
    key_file: Path

    @field_validator("public_url")
    @classmethod
    def _is_https_base_url(cls, value: str) -> str:
        if not value.startswith("https://") or value.endswith("/") or "?" in value or "#" in value:
            raise ValueError("must be an https URL without a path's last slash, query or fragment")
        return value


class Tracing(Section):
    """Where traces go (OpenTelemetry, OTLP over HTTP)."""

    otlp_endpoint: str
    """Such as `http://collector:4318`."""
    share: float = Field(default=1.0, gt=0, le=1)
    """Of the requests that begin a trace; a caller that traces already decides for itself."""
    batch_seconds: float = Field(default=5.0, gt=0, le=60)

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_base_url(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")) or value.endswith("/"):
            raise ValueError("must be an http(s) URL without a last slash")
        return value


class Log(Section):
    """How the log is written."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "json"


class Database(Section):
    """The service's own role in the shared PostgreSQL database."""

    host: str
    port: int = 5432
    name: str = "tessera"
    user: str
    password_file: Path
    pool_size: int = Field(default=10, ge=1, le=200)
    timeout_seconds: float = Field(default=5.0, gt=0)


class Redis(Section):
    """The service's own user in the shared Redis."""

    host: str
    port: int = 6379
    user: str
    password_file: Path
    timeout_seconds: float = Field(default=2.0, gt=0)


class Dpop(Section):
    """Proofs of possession (RFC 9449)."""

    require_nonce: bool = False


class Fetch(Section):
    """What may be fetched for URLs that clients name."""

    allowed_hosts: tuple[str, ...] = ()
    """Hosts, or `host:port`, that may have any address and be reached by http."""
    ca_file: Path | None = None
    """PEM file of certificate authorities that are trusted beside the public ones."""


class ServiceConfig(BaseSettings):
    """What every service's configuration holds; each service adds its own sections."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_nested_delimiter="__")

    listen: Listen
    metrics: Listen | None = None
    """A port of its own that tells the metrics; without it there is none."""
    tracing: Tracing | None = None
    """Without it there are no traces."""
    log: Log = Log()
    database: Database
    redis: Redis
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) whose X-Forwarded-For is believed."""
    client_certificate_proxies: tuple[str, ...] = ()
    """Networks (CIDR) whose Client-Cert (RFC 9440) is believed: a setting of its own, since a proxy that passes the
    field on as clients send it would let anyone be anyone."""

    @field_validator("trusted_proxies", "client_certificate_proxies")
    @classmethod
    def _are_networks(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            ip_network(value)
        return values


C = TypeVar("C", bound=BaseSettings)


def load(model: type[C], path: Path, prefix: str) -> C:
    """Read `path`, lay the environment over it and check the result.

    Args:
        model: The service's configuration type.
        path: The YAML file.
        prefix: The environment's prefix, such as `TESSERA_AUTHZ_`.

    Raises:
        StartupError: Names the key, what was expected and where it was read.

    """
    if not path.is_file():
        raise StartupError(f"configuration: {path} is not there")

    class Sourced(model):  # type: ignore[valid-type,misc]
        model_config = SettingsConfigDict(env_prefix=prefix)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del init_settings, dotenv_settings, file_secret_settings
            return env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=path)

    try:
        _refuse_unknown_environment(model, prefix)
        loaded: C = Sourced()
    except ValidationError as error:
        raise StartupError(f"configuration: {path}: {_first_problem(error)}") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise StartupError(f"configuration: {path}: {' '.join(str(error).split())}") from error
    return loaded


def read_secret(path: Path) -> str:
    """The content of a secret file, without the line end.

    Raises:
        StartupError: Names the file that cannot be read or is empty.

    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"secret file {path} cannot be read: {error}") from error
    if not secret:
        raise StartupError(f"secret file {path} is empty")
    return secret


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    rest = error.error_count() - 1
    return f"{place}: {problem['msg']}" + (f" (and {rest} more)" if rest else "")


def _refuse_unknown_environment(model: type[BaseSettings], prefix: str) -> None:
    """pydantic-settings ignores environment variables that match no key; a typing error must not pass silently."""
    for name in os.environ:
        if not name.upper().startswith(prefix):
            continue
        path = name.upper().removeprefix(prefix).lower().split("__")
        if not _has_key(model, path):
            raise ValueError(f"environment variable {name} names no configuration key")


def _has_key(model: type[BaseModel], path: list[str]) -> bool:
    field = model.model_fields.get(path[0])
    if field is None:
        return False
    if len(path) == 1:
        return True
    inner = (field.annotation, *get_args(field.annotation))  # a section that may be left out is a union
    return any(isinstance(kind, type) and issubclass(kind, BaseModel) and _has_key(kind, path[1:]) for kind in inner)

"""The environment that fits a service's configuration to the embedded stack, as compose.yaml does for containers."""

import json

from stack.ports import HOST, Ports
from stack.servers import DataServers

__all__ = ["SERVICES", "environment_of"]

SERVICES = ("authz", "idp", "rs")
TLS_SERVICES = ("authz", "rs")
"""Those with a TLS port of their own."""


def environment_of(name: str, ports: Ports, servers: DataServers) -> dict[str, str]:
    """The variables of `authz`, `idp`, `rs` or `migrate`; secrets are named by their files."""
    values = _migrate(servers) if name == "migrate" else _service(name, ports, servers)
    prefix = f"TESSERA_{name.upper()}_"
    return {prefix + key: value for key, value in values.items()} | {"PYTHONUNBUFFERED": "1"}


def _migrate(servers: DataServers) -> dict[str, str]:
    roles = {
        f"ROLES__{service.upper()}_PASSWORD_FILE": str(servers.password_file("migrate", f"{service}_password"))
        for service in SERVICES
    }
    return _database("migrate", servers.owner, servers) | roles


def _service(name: str, ports: Ports, servers: DataServers) -> dict[str, str]:
    values = {
        "LISTEN__HOST": HOST,
        "LISTEN__PORT": str(getattr(ports, name)),
        "METRICS__HOST": HOST,
        "METRICS__PORT": str(getattr(ports, f"{name}_metrics")),
        "LOG__FORMAT": "console",
        "REDIS__HOST": servers.host,
        "REDIS__PORT": str(servers.redis_port),
        "REDIS__USER": name,
        "REDIS__PASSWORD_FILE": str(servers.password_file(name, "redis_password")),
        "ISSUER": ports.url("authz"),
    }
    values |= _database(name, f"tessera_{name}", servers)
    master_key = {"KEYS__MASTER_KEY_FILE": str(servers.password_file(name, "master_key"))}
    nonce_key = {"DPOP__NONCE_KEY_FILE": str(servers.password_file(name, "nonce_key"))}
    public = {"PUBLIC_URL": ports.url(name)}
    authz = f"http://{HOST}:{ports.authz}"
    resources = json.dumps([ports.url("rs"), ports.tls_url("rs")])
    mail = {"MAIL__HOST": HOST, "MAIL__PORT": str(ports.smtp)}
    demo = {"METADATA_URL": f"{authz}/.well-known/openid-configuration", "DEMO": "true"}
    own = {
        "authz": master_key | {"IDP_URL": ports.url("idp"), "RESOURCES": resources},
        "idp": master_key | public | mail | demo,
        "rs": public | {"JWKS_URL": f"{authz}/oauth2/v1/jwks"} | nonce_key,
    }
    return values | own[name] | (_tls(name, ports, servers) if name in TLS_SERVICES else {})


def _tls(name: str, ports: Ports, servers: DataServers) -> dict[str, str]:
    return {
        "CLIENT_TRUST_ANCHORS_FILE": str(servers.password_file(name, "client_trust_anchors.pem")),
        "TLS__HOST": HOST,
        "TLS__PORT": str(getattr(ports, f"{name}_tls")),
        "TLS__PUBLIC_URL": ports.tls_url(name),
        "TLS__CERTIFICATE_FILE": str(servers.password_file(name, "tls_certificate.pem")),
        "TLS__KEY_FILE": str(servers.password_file(name, "tls_key.pem")),
    }


def _database(consumer: str, user: str, servers: DataServers) -> dict[str, str]:
    return {
        "DATABASE__HOST": servers.host,
        "DATABASE__PORT": str(servers.postgres_port),
        "DATABASE__NAME": servers.database,
        "DATABASE__USER": user,
        "DATABASE__PASSWORD_FILE": str(servers.password_file(consumer, "database_password")),
    }

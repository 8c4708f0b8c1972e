"""Role separation: each service's database role may do what its service does, and nothing else."""

import asyncpg
import pytest

pytestmark = pytest.mark.integration

REFUSED = [
    ("rs", "SELECT * FROM authz.clients"),
    ("rs", "SELECT * FROM authz.client_secrets"),
    ("rs", "SELECT * FROM idp.users"),
    ("rs", "SELECT * FROM idp.passwords"),
    ("rs", "SELECT * FROM idp.sessions"),
    ("rs", "SELECT * FROM keys.ring"),
    ("rs", "DELETE FROM revocation.entries"),
    ("rs", "INSERT INTO revocation.entries (kind, value, expires_at) VALUES ('jti', 'x', now())"),
    ("authz", "SELECT * FROM idp.passwords"),
    ("authz", "SELECT * FROM idp.users"),
    ("authz", "SELECT * FROM idp.sessions"),
    ("idp", "SELECT * FROM authz.client_secrets"),
    ("idp", "SELECT * FROM authz.clients"),
    ("idp", "SELECT * FROM authz.grants"),
    ("idp", "SELECT * FROM authz.refresh_tokens"),
    ("idp", "SELECT * FROM authz.authorization_codes"),
    ("idp", "INSERT INTO keys.ring (kid) VALUES ('mine')"),
    ("idp", "UPDATE keys.ring SET retired_at = now()"),
    ("idp", "DELETE FROM keys.ring"),
    ("idp", "DELETE FROM revocation.entries"),
    *((role, "CREATE TABLE public.mine (x int)") for role in ("authz", "idp", "rs")),
    *((role, "CREATE SCHEMA mine") for role in ("authz", "idp", "rs")),
    *((role, "CREATE ROLE mine") for role in ("authz", "idp", "rs")),
    *((role, "DELETE FROM public.schema_history") for role in ("authz", "idp", "rs")),
    *((role, "SELECT pg_read_file('/etc/passwd')") for role in ("authz", "idp", "rs")),
]


@pytest.mark.parametrize(("role", "statement"), REFUSED)
async def test_role_is_refused_what_its_service_does_not_need(database_as, role, statement):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await (await database_as(role)).execute(statement)


NEEDED = [
    ("rs", "SELECT * FROM revocation.entries"),
    ("rs", "SELECT version FROM public.schema_history"),
    ("authz", "SELECT * FROM authz.clients"),
    ("authz", "SELECT * FROM authz.client_secrets"),
    ("authz", "SELECT * FROM keys.ring"),
    ("idp", "SELECT * FROM idp.passwords"),
    ("idp", "SELECT * FROM keys.ring"),
    ("idp", "SELECT * FROM revocation.entries"),
    ("idp", "SELECT client_id, client_name, post_logout_redirect_uris FROM authz.client_logout"),
    ("idp", "SELECT authz.revoke_session('no such session', now())"),
]


@pytest.mark.parametrize(("role", "statement"), NEEDED)
async def test_role_may_do_what_its_service_needs(database_as, role, statement):
    await (await database_as(role)).fetch(statement)

"""Role separation: each service's database role may do what its service does, and nothing else."""

import asyncpg
import pytest

pytestmark = pytest.mark.integration

SERVICES = ("authz", "idp", "rs")
REFUSED = [
    ("rs", "SELECT * FROM authz.clients"),
    ("rs", "SELECT * FROM authz.client_secrets"),
    ("rs", "SELECT * FROM idp.users"),
    ("rs", "SELECT * FROM idp.passwords"),
    ("rs", "SELECT * FROM idp.sessions"),
    ("rs", "SELECT * FROM keys.ring"),
    ("rs", "DELETE FROM revocation.entries"),
    ("rs", "INSERT INTO revocation.entries (kind, value, expires_at) VALUES ('jti', 'x', now())"),
    *((role, f"{verb} FROM replay.used_jti") for role in ("idp", "rs") for verb in ("SELECT *", "DELETE")),
    *((role, "UPDATE replay.used_jti SET expires_at = now()") for role in SERVICES),
    ("rs", "SELECT * FROM authz.grants"),
    ("rs", "SELECT * FROM authz.client_logout"),
    ("idp", "SELECT * FROM authz.client_certificates"),
    ("authz", "SELECT * FROM idp.passwords"),
    ("authz", "SELECT * FROM idp.users"),
    ("authz", "SELECT * FROM idp.sessions"),
    ("idp", "SELECT * FROM authz.client_secrets"),
    ("idp", "SELECT * FROM authz.clients"),
    ("idp", "SELECT * FROM authz.scopes"),
    ("idp", "SELECT * FROM authz.logout_deliveries"),
    ("rs", "SELECT * FROM authz.frontchannel_logout"),
    ("authz", "SELECT authz.revoke_session('no such session', now(), 'all')"),
    ("idp", "SELECT * FROM authz.initial_access_tokens"),
    ("rs", "SELECT * FROM authz.scopes"),
    ("rs", "SELECT authz.revoke_user('nobody', now())"),
    ("authz", "SELECT authz.revoke_user('nobody', now())"),
    ("idp", "SELECT * FROM authz.grants"),
    ("rs", "SELECT * FROM authz.userinfo_claims"),
    ("rs", "SELECT * FROM authz.login_initiation"),
    ("rs", "SELECT * FROM authz.client_subjects"),
    ("rs", "SELECT * FROM authz.client_userinfo"),
    *((role, "SELECT idp.claims_of('nobody', '{email}')") for role in ("idp", "rs")),
    *((role, "SELECT idp.holds_session('no such session', 'nobody')") for role in ("idp", "rs")),
    *(
        (role, statement)
        for role in ("authz", "rs")
        for statement in (
            "SELECT authz.applications_of('nobody')",
            "SELECT authz.withdraw_application('nobody', 'nothing', now())",
            "SELECT audit.events_of('nobody', '{}', 1)",
            "SELECT audit.events_before('nobody', '{}', NULL, 1)",
        )
    ),
    ("idp", "SELECT * FROM audit.events"),
    ("idp", "SELECT * FROM authz.consents"),
    ("idp", "SELECT * FROM authz.refresh_tokens"),
    ("idp", "SELECT * FROM authz.authorization_codes"),
    ("idp", "INSERT INTO keys.ring (kid) VALUES ('mine')"),
    ("idp", "UPDATE keys.ring SET retired_at = now()"),
    ("idp", "DELETE FROM keys.ring"),
    ("idp", "DELETE FROM revocation.entries"),
    *((role, "CREATE TABLE public.mine (x int)") for role in SERVICES),
    *((role, "CREATE SCHEMA mine") for role in SERVICES),
    *((role, "CREATE ROLE mine") for role in SERVICES),
    *((role, "DELETE FROM public.schema_history") for role in SERVICES),
    *((role, "SELECT pg_read_file('/etc/passwd')") for role in SERVICES),
]


@pytest.mark.parametrize(("role", "statement"), REFUSED)
async def test_role_is_refused_what_its_service_does_not_need(database_as, role, statement):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await (await database_as(role)).execute(statement)


NEEDED = [
    ("rs", "SELECT * FROM revocation.entries"),
    ("rs", "SELECT version FROM public.schema_history"),
    ("rs", "SELECT x5c FROM authz.client_certificates"),
    ("authz", "SELECT x5c FROM authz.client_certificates"),
    *((role, "INSERT INTO replay.used_jti VALUES ('x', now()) ON CONFLICT DO NOTHING") for role in SERVICES),
    ("authz", "DELETE FROM replay.used_jti WHERE expires_at < now()"),
    ("authz", "SELECT * FROM authz.clients"),
    ("authz", "SELECT * FROM authz.client_secrets"),
    ("authz", "SELECT * FROM keys.ring"),
    ("idp", "SELECT * FROM idp.passwords"),
    ("idp", "SELECT * FROM keys.ring"),
    ("idp", "SELECT * FROM revocation.entries"),
    ("idp", "SELECT client_id, client_name, post_logout_redirect_uris FROM authz.client_logout"),
    ("idp", "SELECT grant_id, client_id, claims FROM authz.userinfo_claims"),
    ("idp", "SELECT client_id, scope, jwks, jwks_uri, sealed_secret FROM authz.client_userinfo"),
    ("idp", "SELECT client_id, subject_type, sector_identifier_uri, redirect_uris FROM authz.client_subjects"),
    ("authz", "SELECT idp.claims_of('nobody', '{email}')"),
    ("authz", "SELECT idp.holds_session('no such session', 'nobody')"),
    ("idp", "SELECT authz.applications_of('nobody')"),
    ("idp", "SELECT authz.withdraw_application('nobody', 'nothing', now())"),
    ("idp", "SELECT audit.events_of('nobody', '{}', 1)"),
    ("idp", "SELECT audit.events_before('nobody', '{}', NULL, 1)"),
    ("idp", "SELECT authz.revoke_session('no such session', now())"),
    ("idp", "SELECT authz.revoke_session('no such session', now(), 'online')"),
    ("idp", "SELECT authz.revoke_user('nobody', now(), 'all', NULL)"),
    ("idp", "SELECT sid, client_id, uri FROM authz.frontchannel_logout"),
    ("authz", "DELETE FROM authz.logout_deliveries WHERE false"),
    ("idp", "SELECT authz.revoke_user('nobody', now())"),
]


@pytest.mark.parametrize(("role", "statement"), NEEDED)
async def test_role_may_do_what_its_service_needs(database_as, role, statement):
    await (await database_as(role)).fetch(statement)

"""What each grant type decides, as plain values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tessera_authz.grants import authorization_code, client_credentials, refresh_token
from tessera_authz.grants.authorization_code import CodeRequest
from tessera_authz.grants.client_credentials import ClientCredentialsRequest
from tessera_authz.grants.grant import Circumstances
from tessera_authz.grants.refresh_token import RefreshRequest
from tessera_authz.protocol.client import AuthenticatedClient, Client
from tessera_authz.protocol.confirmation import Confirmation
from tessera_authz.protocol.models import AuthorizationCode, Grant, RefreshToken
from tessera_authz.tokens.authorization import Authorization, Refuse, Repeat
from tessera_shared.errors import OAuthError

NOW = datetime(2026, 11, 24, tzinfo=UTC)
KNOWN = ("https://rs.example", "https://rs2.example", "https://rs3.example")
AT = Circumstances(NOW, timedelta(seconds=10), resources=KNOWN)
BOUND = replace(AT, confirmation=Confirmation(jkt="key"))
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CLIENT = AuthenticatedClient(
    Client(
        client_id="c",
        client_name="C",
        grant_types=("authorization_code", "refresh_token"),
        scope=("openid", "profile"),
    )
)
OTHER = AuthenticatedClient(Client(client_id="other", client_name="Other"))
GRANT = Grant(
    id="g",
    client_id="c",
    sub="alice",
    scope=("openid", "profile"),
    sid="s",
    auth_time=NOW,
    acr="1",
    amr=("pwd",),
    nonce="n",
    resource=("https://rs.example", "https://rs2.example"),
    created_at=NOW,
    expires_at=NOW + timedelta(days=1),
)
CODE = AuthorizationCode(
    code_hash=b"h",
    redirect_uri="https://a.example/cb",
    code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    dpop_jkt=None,
    expires_at=NOW + timedelta(seconds=60),
    consumed_at=None,
    grant=GRANT,
)
CODE_REQUEST = CodeRequest("code", "https://a.example/cb", VERIFIER)
TOKEN = RefreshToken(b"h", ("openid", "profile"), NOW, NOW + timedelta(days=1), None, None, None, None, GRANT)
USED = replace(TOKEN, consumed_at=NOW - timedelta(seconds=9), answer=b"sealed")


def refused(decision):
    assert isinstance(decision, Refuse)
    return decision.error.error, decision.revoke


def test_a_code_without_pkce_needs_the_redirect_uri_of_its_request():
    code = replace(CODE, code_challenge=None)
    request = replace(CODE_REQUEST, code_verifier=None)
    assert isinstance(authorization_code.decide(request, CLIENT, code, AT), Authorization)
    assert (
        refused(authorization_code.decide(replace(request, redirect_uri=None), CLIENT, code, AT))[0] == "invalid_grant"
    )


def test_a_code_with_pkce_does_not_need_the_redirect_uri():
    request = replace(CODE_REQUEST, redirect_uri=None)
    assert isinstance(authorization_code.decide(request, CLIENT, CODE, AT), Authorization)


def test_a_code_is_exchanged_for_what_was_granted():
    decision = authorization_code.decide(CODE_REQUEST, CLIENT, CODE, AT)
    assert isinstance(decision, Authorization)
    assert (decision.sub, decision.scope, decision.consumes) == ("alice", ("openid", "profile"), CODE)
    assert decision.with_refresh_token


def test_a_client_without_the_refresh_grant_gets_no_refresh_token():
    client = AuthenticatedClient(replace(CLIENT, grant_types=("authorization_code",)))
    decision = authorization_code.decide(CODE_REQUEST, client, CODE, AT)
    assert isinstance(decision, Authorization)
    assert not decision.with_refresh_token


def test_a_second_use_of_a_code_revokes_the_grant():
    used = replace(CODE, consumed_at=NOW)
    assert refused(authorization_code.decide(CODE_REQUEST, CLIENT, used, AT)) == ("invalid_grant", "g")


@pytest.mark.parametrize(
    ("request_", "client", "code"),
    [
        (CODE_REQUEST, CLIENT, None),
        (CODE_REQUEST, OTHER, CODE),
        (CODE_REQUEST, OTHER, replace(CODE, consumed_at=NOW)),  # another client cannot revoke by replay
        (CODE_REQUEST, CLIENT, replace(CODE, expires_at=NOW)),
        (CODE_REQUEST, CLIENT, replace(CODE, grant=replace(GRANT, revoked_at=NOW))),
        (replace(CODE_REQUEST, redirect_uri="https://a.example/other"), CLIENT, CODE),
        (replace(CODE_REQUEST, code_verifier=None), CLIENT, CODE),
        (replace(CODE_REQUEST, code_verifier=VERIFIER[:-1] + "l"), CLIENT, CODE),
        (CODE_REQUEST, CLIENT, replace(CODE, code_challenge=None)),
    ],
)
def test_any_other_use_of_a_code_is_invalid_grant_and_revokes_nothing(request_, client, code):
    assert refused(authorization_code.decide(request_, client, code, AT)) == ("invalid_grant", None)


def test_a_refresh_token_is_exchanged_with_its_scope():
    decision = refresh_token.decide(RefreshRequest("t", None), CLIENT, TOKEN, AT)
    assert isinstance(decision, Authorization)
    assert (decision.scope, decision.refresh_scope) == (TOKEN.scope, TOKEN.scope)


def test_a_narrower_scope_narrows_the_access_token_only():
    decision = refresh_token.decide(RefreshRequest("t", ("profile",)), CLIENT, TOKEN, AT)
    assert isinstance(decision, Authorization)
    assert (decision.scope, decision.refresh_scope) == (("profile",), TOKEN.scope)


def test_a_wider_scope_is_invalid_scope():
    assert refused(refresh_token.decide(RefreshRequest("t", ("email",)), CLIENT, TOKEN, AT)) == ("invalid_scope", None)


def test_a_retry_within_the_grace_period_repeats_the_answer():
    assert refresh_token.decide(RefreshRequest("t", None), CLIENT, USED, AT) == Repeat(b"sealed")


def test_reuse_after_the_grace_period_revokes_the_family():
    late = replace(USED, consumed_at=NOW - timedelta(seconds=10, microseconds=1))
    assert refused(refresh_token.decide(RefreshRequest("t", None), CLIENT, late, AT)) == ("invalid_grant", "g")


def test_reuse_revokes_the_family_where_the_answer_is_gone():
    gone = replace(USED, answer=None)
    assert refused(refresh_token.decide(RefreshRequest("t", None), CLIENT, gone, AT)) == ("invalid_grant", "g")


@pytest.mark.parametrize(
    ("client", "token"),
    [
        (CLIENT, None),
        (OTHER, TOKEN),
        (OTHER, USED),  # another client gets no answer and revokes nothing
        (CLIENT, replace(TOKEN, expires_at=NOW)),
        (CLIENT, replace(TOKEN, grant=replace(GRANT, revoked_at=NOW))),
        (CLIENT, replace(USED, grant=replace(GRANT, revoked_at=NOW))),  # no retry of a revoked grant
    ],
)
def test_any_other_use_of_a_refresh_token_is_invalid_grant(client, token):
    assert refused(refresh_token.decide(RefreshRequest("t", None), client, token, AT)) == ("invalid_grant", None)


def test_client_credentials_gives_the_client_itself_as_subject():
    client = AuthenticatedClient(replace(CLIENT, grant_types=("client_credentials",)))
    decision = client_credentials.decide(ClientCredentialsRequest(None), client, None, AT)
    assert decision == Authorization(client=client, sub="client:c", scope=("profile",))


def test_a_public_client_gets_no_client_credentials():
    public = AuthenticatedClient(replace(CLIENT, token_endpoint_auth_method="none"))
    assert refused(client_credentials.decide(ClientCredentialsRequest(None), public, None, AT)) == (
        "unauthorized_client",
        None,
    )


def test_client_credentials_beyond_the_registered_scope_is_invalid_scope():
    with pytest.raises(OAuthError) as caught:
        client_credentials.decide(ClientCredentialsRequest(("admin",)), CLIENT, None, AT)
    assert caught.value.error == "invalid_scope"


def test_a_token_request_may_narrow_the_resources_of_the_grant():
    one = replace(CODE_REQUEST, resource=("https://rs2.example",))
    assert authorization_code.decide(one, CLIENT, CODE, AT).resource == ("https://rs2.example",)
    assert authorization_code.decide(CODE_REQUEST, CLIENT, CODE, AT).resource == GRANT.resource
    refreshed = refresh_token.decide(RefreshRequest("t", None, ("https://rs.example",)), CLIENT, TOKEN, AT)
    assert refreshed.resource == ("https://rs.example",)


@pytest.mark.parametrize("resource", ["https://rs3.example", "https://unknown.example"])
def test_a_resource_beyond_the_grant_is_invalid_target(resource):
    for decide, request, row in (
        (authorization_code.decide, replace(CODE_REQUEST, resource=(resource,)), CODE),
        (refresh_token.decide, RefreshRequest("t", None, (resource,)), TOKEN),
    ):
        with pytest.raises(OAuthError) as caught:
            decide(request, CLIENT, row, AT)
        assert caught.value.error == "invalid_target"


def test_a_code_bound_to_a_key_needs_that_key():
    code = replace(CODE, dpop_jkt="key")
    assert refused(authorization_code.decide(CODE_REQUEST, CLIENT, code, AT)) == ("invalid_grant", None)
    assert authorization_code.decide(CODE_REQUEST, CLIENT, code, BOUND).confirmation.jkt == "key"


def test_a_public_clients_refresh_token_is_bound_to_its_key_a_confidential_ones_is_not():
    public = AuthenticatedClient(replace(CLIENT, token_endpoint_auth_method="none"))
    assert authorization_code.decide(CODE_REQUEST, public, CODE, BOUND).refresh_jkt == "key"
    assert authorization_code.decide(CODE_REQUEST, CLIENT, CODE, BOUND).refresh_jkt is None
    bound = replace(TOKEN, dpop_jkt="key")
    assert refused(refresh_token.decide(RefreshRequest("t", None), public, bound, AT)) == ("invalid_grant", None)
    assert refresh_token.decide(RefreshRequest("t", None), public, bound, BOUND).refresh_jkt == "key"


def test_a_client_without_rotation_keeps_its_refresh_token():
    steady = AuthenticatedClient(replace(CLIENT, refresh_token_rotation=False))
    assert not refresh_token.decide(RefreshRequest("t", None), steady, TOKEN, AT).with_refresh_token
    public = AuthenticatedClient(replace(steady, token_endpoint_auth_method="none"))
    assert refresh_token.decide(RefreshRequest("t", None), public, TOKEN, AT).with_refresh_token


def test_a_scope_that_was_taken_from_the_client_is_not_granted_again():
    narrowed = AuthenticatedClient(replace(CLIENT, scope=("openid",)))
    assert refresh_token.decide(RefreshRequest("t", None), narrowed, TOKEN, AT).scope == ("openid",)
    assert authorization_code.decide(CODE_REQUEST, narrowed, CODE, AT).scope == ("openid",)
    refused = refresh_token.decide(RefreshRequest("t", ("profile",)), narrowed, TOKEN, AT)
    assert refused.error.error == "invalid_scope"
    emptied = AuthenticatedClient(replace(CLIENT, scope=()))
    assert refresh_token.decide(RefreshRequest("t", None), emptied, TOKEN, AT).error.error == "invalid_grant"

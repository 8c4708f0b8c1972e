"""What tokens are bound to where a certificate is shown (RFC 8705 §3, §4), as plain values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tessera_authz.grants import authorization_code, refresh_token
from tessera_authz.grants.authorization_code import CodeRequest
from tessera_authz.grants.grant import Circumstances
from tessera_authz.grants.refresh_token import RefreshRequest
from tessera_authz.protocol.client import AuthenticatedClient, Client
from tessera_authz.protocol.confirmation import UNBOUND, Confirmation, confirm
from tessera_authz.protocol.models import AuthorizationCode, Grant, RefreshToken
from tessera_authz.tokens.authorization import Authorization, Refuse, Repeat
from tessera_shared.errors import OAuthError

NOW = datetime(2026, 11, 24, tzinfo=UTC)
GRANTS = ("authorization_code", "refresh_token")
CONFIDENTIAL = Client(
    client_id="c",
    client_name="C",
    grant_types=GRANTS,
    scope=("profile",),
    tls_client_certificate_bound_access_tokens=True,
)
PUBLIC = replace(CONFIDENTIAL, token_endpoint_auth_method="none")
GRANT = Grant("g", "c", "alice", ("profile",), "s", NOW, "1", ("pwd",), None, (), NOW, NOW + timedelta(days=1))
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
CODE = AuthorizationCode(b"h", "https://a.example/cb", CHALLENGE, None, NOW + timedelta(seconds=60), None, GRANT)
TOKEN = RefreshToken(b"h", ("profile",), NOW, NOW + timedelta(days=1), None, None, None, "print", GRANT)
USED = replace(TOKEN, consumed_at=NOW, answer=b"sealed")


def at(confirmation):
    return Circumstances(NOW, timedelta(seconds=10), confirmation)


def redeem(client, confirmation):
    return authorization_code.decide(
        CodeRequest("code", None, VERIFIER), AuthenticatedClient(client), CODE, at(confirmation)
    )


def refresh(token, confirmation, client=PUBLIC):
    return refresh_token.decide(RefreshRequest("t", None), AuthenticatedClient(client), token, at(confirmation))


def test_only_clients_that_registered_for_it_get_bound_tokens():
    assert confirm(CONFIDENTIAL, None, "print") == Confirmation(x5t_s256="print")
    plain = replace(CONFIDENTIAL, tls_client_certificate_bound_access_tokens=False)
    assert confirm(plain, None, "print") == UNBOUND


def test_a_client_that_registered_for_it_gets_no_token_without_a_certificate():
    with pytest.raises(OAuthError) as caught:
        confirm(CONFIDENTIAL, None, None)
    assert caught.value.error == "invalid_request"


def test_the_claim_names_the_certificate_by_its_thumbprint():
    assert Confirmation(x5t_s256="print").claim() == {"x5t#S256": "print"}
    assert Confirmation(x5t_s256="print").token_type == "Bearer"


@pytest.mark.parametrize(("client", "bound_to"), [(PUBLIC, "print"), (CONFIDENTIAL, None)])
def test_a_public_clients_refresh_token_is_bound_to_its_certificate_a_confidential_ones_is_not(client, bound_to):
    decision = redeem(client, Confirmation(x5t_s256="print"))
    assert isinstance(decision, Authorization)
    assert (decision.confirmation.x5t_s256, decision.refresh_x5t_s256) == ("print", bound_to)


@pytest.mark.parametrize("shown", [UNBOUND, Confirmation(x5t_s256="other"), Confirmation(jkt="print")])
@pytest.mark.parametrize("token", [TOKEN, USED], ids=["fresh", "used"])
def test_a_bound_refresh_token_needs_its_certificate_and_keeps_its_grant_when_it_is_not_there(token, shown):
    decision = refresh(token, shown)
    assert isinstance(decision, Refuse)
    assert (decision.error.error, decision.revoke) == ("invalid_grant", None)


def test_with_its_certificate_it_is_rotated_and_stays_bound():
    decision = refresh(TOKEN, Confirmation(x5t_s256="print"))
    assert isinstance(decision, Authorization)
    assert (decision.refresh_x5t_s256, decision.confirmation.x5t_s256) == ("print", "print")
    assert isinstance(refresh(USED, Confirmation(x5t_s256="print")), Repeat)


def test_a_confidential_client_may_refresh_with_a_new_certificate():
    decision = refresh(replace(TOKEN, x5t_s256=None), Confirmation(x5t_s256="new"), CONFIDENTIAL)
    assert isinstance(decision, Authorization)
    assert (decision.confirmation.x5t_s256, decision.refresh_x5t_s256) == ("new", None)

"""npm openid-client: tokens bound to a DPoP key (RFC 9449) or a certificate (RFC 8705)."""

from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from e2e.certificates import Pair, Wanted, issue
from e2e.clients import CALLBACK
from e2e.interop.conftest import Register
from e2e.interop.node import ForeignError, Node, Visit
from e2e.interop.scenario import asking, private, public
from e2e.mutual_tls import Certificates
from e2e.relying_party import unverified
from e2e.stack import OTHER_RESOURCE, Control, Stack

_CODE = ["authorization_code", "refresh_token"]


@pytest.fixture
def certificates(stack: Stack) -> Certificates:
    """The demo authority, and what it issues."""
    if stack.control is None:
        pytest.skip("this stack was not started by the tests")
    return Certificates.of(stack.control.certificates())


def shown(own: Pair, certificates: Certificates) -> dict[str, str]:
    """A certificate with its key, and whom the client trusts, as scripts read them."""
    return {"cert": own.pem, "key": own.key_pem, "ca": certificates.ca.pem}


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "Ed25519"])
@pytest.mark.parametrize("pushed", [False, True])
def test_tokens_bound_to_a_key(
    node: Node,
    stack: Stack,
    registered: Register,
    user: Visit,
    algorithm: str,
    pushed: bool,  # noqa: FBT001
) -> None:
    client = registered(token_endpoint_auth_method="none", dpop_bound_access_tokens=True, grant_types=_CODE)
    known = asking(client, redirect_uri=CALLBACK, scope=client["scope"])
    result = node.run(
        "authorization_code", user, dpop=algorithm, pushed=pushed, resource=f"{stack.rs}/resource", **known
    )
    assert result["tokens"]["token_type"] == "dpop"
    assert result["userinfo"]["sub"] == result["resource"]["sub"] == result["claims"]["sub"]
    assert result["refreshed"]["token_type"] == "dpop"


def test_request_without_a_proof_is_refused_where_tokens_must_be_bound(node: Node, registered: Register) -> None:
    client = registered(dpop_bound_access_tokens=True)
    with pytest.raises(ForeignError) as refused:
        node.run("client_credentials", client=client)
    assert refused.value.told["error"] == "invalid_dpop_proof"


def test_nonce_is_taken_where_the_server_asks_for_one(
    node: Node, registered: Register, user: Visit, control: Control
) -> None:
    client = registered(dpop_bound_access_tokens=True)
    known = asking(client, redirect_uri=CALLBACK, scope=client["scope"])
    with control.authz_replica({"TESSERA_AUTHZ_DPOP__REQUIRE_NONCE": "true"}) as strict:
        result = node.run("authorization_code", user, pushed=True, dpop="ES256", through=strict, **known)
    pushes = [status for path, status in result["answers"] if path.endswith("/par")]
    assert pushes == [400, 201]
    assert result["refreshed"]["token_type"] == "dpop"


def test_key_bound_token_is_accepted_by_a_resource_server_that_requires_it(node: Node, registered: Register) -> None:
    client = registered()
    asked = {"client": client, "parameters": {"resource": OTHER_RESOURCE}}
    required = {"enabled": True, "required": True}
    with node.serve("resource_server", audience=OTHER_RESOURCE, dpop=required) as url:
        result = node.run("client_credentials", dpop="ES256", resources=[url], **asked)
        assert result["resources"][0]["cnf"] == result["introspection"]["cnf"]
        with pytest.raises(ForeignError) as refused:
            node.run("client_credentials", resources=[url], **asked)
    assert refused.value.told["status"] in (400, 401)


def test_fapi2_client_with_a_key(node: Node, stack: Stack, registered: Register, user: Visit) -> None:
    client = registered(profile="fapi2", token_endpoint_auth_method="private_key_jwt", jwks=public("PS256"))
    known = asking(client, redirect_uri=CALLBACK, scope=client["scope"])
    resource = f"{stack.rs}/resource/email"
    keys = {"key": private("PS256"), "dpop": "ES256"}
    result = node.run("authorization_code", user, pushed=True, resource=resource, **keys, **known)
    assert result["resource"]["client_id"] == client["client_id"]
    assert "refresh_token" not in result["refreshed"]


def test_certificate_of_an_authority(
    node: Node, stack: Stack, registered: Register, certificates: Certificates
) -> None:
    subject = "CN=interop,O=Foreign"
    own = issue(Wanted(subject=subject, usage=(ExtendedKeyUsageOID.CLIENT_AUTH,)), certificates.ca)
    client = registered(
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_subject_dn=subject,
        tls_client_certificate_bound_access_tokens=True,
    )
    _check_bound(node, stack, client, shown(own, certificates))


def test_self_signed_certificate(node: Node, stack: Stack, registered: Register, certificates: Certificates) -> None:
    own = issue(Wanted(subject="CN=self"))
    client = registered(
        token_endpoint_auth_method="self_signed_tls_client_auth",
        jwks=own.jwks,
        tls_client_certificate_bound_access_tokens=True,
    )
    _check_bound(node, stack, client, shown(own, certificates))


def test_code_flow_with_a_certificate(
    node: Node, registered: Register, user: Visit, certificates: Certificates
) -> None:
    own = issue(Wanted(subject="CN=self"))
    client = registered(token_endpoint_auth_method="self_signed_tls_client_auth", jwks=own.jwks)
    known = asking(client, redirect_uri=CALLBACK, scope=client["scope"])
    result = node.run("authorization_code", user, pushed=True, certificate=shown(own, certificates), **known)
    assert result["after_revocation"] == {"active": False}


def test_certificate_that_was_not_registered_is_refused(
    node: Node, registered: Register, certificates: Certificates
) -> None:
    usage = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    other = issue(Wanted(subject="CN=other", usage=usage), certificates.ca)
    client = registered(token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn="CN=interop")
    with pytest.raises(ForeignError) as refused:
        node.run("client_credentials", client=client, certificate=shown(other, certificates))
    assert (refused.value.told["status"], refused.value.told["error"]) == (401, "invalid_client")


def _check_bound(node: Node, stack: Stack, client: dict[str, Any], certificate: dict[str, str]) -> None:
    resources = [f"{stack.rs_tls}/resource"]
    result = node.run("client_credentials", client=client, certificate=certificate, resources=resources)
    assert result["resources"][0]["client_id"] == client["client_id"]
    assert set(result["introspection"]["cnf"]) == {"x5t#S256"}
    _, payload = unverified(result["tokens"]["access_token"])
    assert b"x5t#S256" in payload
    assert result["after_revocation"] == {"active": False}

"""Mutual TLS through real handshakes (RFC 8705): both methods, bound tokens, and whoever pretends."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest

from e2e.browser import Browser
from e2e.certificates import Pair, Wanted, authority, issue
from e2e.clients import (
    DEMO,
    NATIVE_BOUND,
    NATIVE_CERTIFICATE,
    SELF_SIGNED,
    SELF_SIGNED_CERTIFICATE,
    TLS_DEMO,
    TLS_NAMED,
)
from e2e.mutual_tls import Caller, Certificates, spoofed_headers
from e2e.proxy import http_from_a_proxy
from e2e.relying_party import RelyingParty, basic, bearer, error_of, unverified
from e2e.stack import Stack

OWN = SELF_SIGNED_CERTIFICATE
FORM = {"grant_type": "client_credentials", "client_id": SELF_SIGNED.client_id, "scope": "profile"}


@pytest.fixture(scope="session")
def certificates(stack: Stack) -> Certificates:
    if stack.control is None:
        pytest.skip("this stack was not started by the tests")
    return Certificates.of(stack.control.certificates())


@pytest.fixture
def caller(
    stack: Stack, certificates: Certificates, add_request_id: Callable[[httpx.Request], None]
) -> Iterator[Caller]:
    made = Caller(stack, certificates, add_request_id)
    yield made
    made.close()


def x5t(pair: Pair) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(pair.der).digest()).rstrip(b"=").decode()


def invalid_client(response: httpx.Response) -> bool:
    return (response.status_code, error_of(response)) == (401, "invalid_client")


def refused_as_bound(response: httpx.Response) -> bool:
    return response.status_code == 401 and 'error="invalid_token"' in response.headers["www-authenticate"]


def bound_token(caller: Caller) -> str:
    response = caller.token(OWN, SELF_SIGNED.client_id)
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


def test_metadata_names_the_endpoints_that_ask_for_a_certificate_and_each_answers(
    stack: Stack, http: httpx.Client, caller: Caller
) -> None:
    told = http.get(f"{stack.authz}/.well-known/oauth-authorization-server").json()
    assert told["tls_client_certificate_bound_access_tokens"] is True
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(told["token_endpoint_auth_methods_supported"])
    aliases = told["mtls_endpoint_aliases"]
    assert {"token_endpoint", "introspection_endpoint", "revocation_endpoint"} <= set(aliases)
    for name, url in aliases.items():
        assert url == told[name].replace(stack.authz, stack.authz_tls)
        assert caller.by(None).post(url, data={"token": "x", "grant_type": "x"}).status_code == 401


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
def test_a_certificate_of_the_authority_authenticates_its_client(
    stack: Stack, caller: Caller, certificates: Certificates, *, http2: bool
) -> None:
    form = {"grant_type": "client_credentials", "client_id": TLS_DEMO.client_id, "scope": "profile"}
    response = caller.by(certificates.demo, http2=http2).post(f"{stack.authz_tls}/oauth2/v1/token", data=form)
    assert response.status_code == 200, response.text
    assert response.http_version == ("HTTP/2" if http2 else "HTTP/1.1")


@pytest.mark.parametrize("field", TLS_NAMED)
def test_each_way_to_register_a_subject_works_and_asks_for_that_subject(
    caller: Caller, certificates: Certificates, field: str
) -> None:
    client_id = TLS_NAMED[field].client_id
    assert caller.token(certificates.named(), client_id).status_code == 200
    assert invalid_client(caller.token(certificates.demo, client_id))
    assert invalid_client(caller.token(issue(Wanted(subject="CN=other"), certificates.ca), client_id))


def test_a_registered_self_signed_certificate_authenticates_its_client_at_every_endpoint(
    stack: Stack, caller: Caller
) -> None:
    client, name = caller.by(OWN), {"client_id": SELF_SIGNED.client_id}
    token = bound_token(caller)
    introspected = client.post(f"{stack.authz_tls}/oauth2/v1/introspect", data={**name, "token": token})
    assert introspected.json()["active"] is True
    pushed = {
        **name,
        "response_type": "code",
        "redirect_uri": SELF_SIGNED.redirect_uri,
        "scope": "profile",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    assert client.post(f"{stack.authz_tls}/oauth2/v1/par", data=pushed).status_code == 201
    assert client.post(f"{stack.authz_tls}/oauth2/v1/revoke", data={**name, "token": token}).status_code == 200
    assert refused_as_bound(caller.resource(OWN, token))
    for path in ("introspect", "par", "revoke"):
        refused = caller.by(NATIVE_CERTIFICATE).post(
            f"{stack.authz_tls}/oauth2/v1/{path}", data={**pushed, "token": "x"}
        )
        assert invalid_client(refused), path


def test_nobody_is_a_client_without_its_own_certificate(
    stack: Stack, http: httpx.Client, caller: Caller, certificates: Certificates
) -> None:
    hostile: list[tuple[Pair | None, str]] = [
        (None, TLS_DEMO.client_id),
        (None, SELF_SIGNED.client_id),
        (OWN, TLS_DEMO.client_id),
        (certificates.demo, SELF_SIGNED.client_id),
        (NATIVE_CERTIFICATE, SELF_SIGNED.client_id),
        (certificates.named(), TLS_DEMO.client_id),
        (OWN, DEMO.client_id),
        (certificates.demo, DEMO.client_id),
        (OWN, "nobody"),
        (certificates.demo, "nobody"),
    ]
    for pair, client_id in hostile:
        assert invalid_client(caller.token(pair, client_id)), (pair, client_id)
    # a method that the client is not registered for
    assert invalid_client(caller.token(OWN, SELF_SIGNED.client_id, client_secret="anything"))
    with_basic = basic(SELF_SIGNED.client_id, "anything")
    assert invalid_client(caller.by(OWN).post(f"{stack.authz_tls}/oauth2/v1/token", data=FORM, headers=with_basic))
    # the plain port sees no certificate
    assert invalid_client(http.post(f"{stack.authz}/oauth2/v1/token", data=FORM))


def test_handshakes_with_certificates_that_nobody_registered_or_issued_fail(
    stack: Stack, caller: Caller, certificates: Certificates
) -> None:
    expired = Wanted(begins=timedelta(days=-2), ends=timedelta(days=-1))
    subject = certificates.ca.certificate.subject.rfc4514_string()
    imitation = authority(subject)
    hostile = [
        issue(),
        issue(Wanted(subject="CN=demo-tls-client,O=Tessera Demo")),
        issue(Wanted(subject="CN=demo-tls-client,O=Tessera Demo"), authority()),
        issue(Wanted(subject="CN=demo-tls-client,O=Tessera Demo"), imitation),
        imitation,
        issue(expired, certificates.ca),
        issue(Wanted(begins=timedelta(hours=1)), certificates.ca),
        issue(None, certificates.demo),
        issue(None, OWN),
    ]
    for url in (stack.authz_tls, stack.rs_tls):
        assert [caller.is_refused_by_tls(pair, url) for pair in hostile] == [True] * len(hostile)
        assert not caller.is_refused_by_tls(certificates.demo, url)


def test_a_bound_token_works_with_its_certificate_and_with_no_other(
    stack: Stack, http: httpx.Client, caller: Caller, certificates: Certificates, demo: RelyingParty
) -> None:
    token = bound_token(caller)
    claims = demo.verify(token, "ES256")[1]
    assert claims["cnf"] == {"x5t#S256": x5t(OWN)}
    introspected = demo.introspect(token).json()
    assert (introspected["cnf"], introspected["token_type"]) == ({"x5t#S256": x5t(OWN)}, "Bearer")
    answer = caller.resource(OWN, token)
    assert (answer.status_code, answer.json()["client_id"]) == (200, SELF_SIGNED.client_id)
    for other in (None, certificates.demo, NATIVE_CERTIFICATE):
        assert refused_as_bound(caller.resource(other, token))
    assert refused_as_bound(http.get(f"{stack.rs}/resource", headers=bearer(token)))


def test_the_tls_port_of_the_resource_server_describes_itself_under_its_own_url(
    stack: Stack, http: httpx.Client, caller: Caller
) -> None:
    for base, ask in ((stack.rs, http), (stack.rs_tls, caller.by(None))):
        url = f"{base}/.well-known/oauth-protected-resource"
        assert f'resource_metadata="{url}"' in ask.get(f"{base}/resource").headers["www-authenticate"]
        told = ask.get(url).json()
        assert told["resource"] == base  # RFC 9728 §3.3
        assert told["tls_client_certificate_bound_access_tokens"] is True


def test_a_token_for_the_tls_ports_url_is_accepted(caller: Caller, stack: Stack) -> None:
    response = caller.token(OWN, SELF_SIGNED.client_id, resource=stack.rs_tls)
    token = response.json()["access_token"]
    assert json.loads(unverified(token)[1])["aud"] == stack.rs_tls
    assert caller.resource(OWN, token).status_code == 200


def test_a_token_that_is_not_bound_works_with_any_certificate_and_without(
    caller: Caller, certificates: Certificates, demo: RelyingParty
) -> None:
    token = demo.token("client_credentials", scope="profile").json()["access_token"]
    assert "cnf" not in demo.introspect(token).json()
    for pair in (None, OWN, certificates.demo):
        assert caller.resource(pair, token).status_code == 200


def test_a_public_clients_refresh_token_is_bound_to_its_certificate(
    stack: Stack, caller: Caller, alice: Browser, party_of: Callable[[object], RelyingParty]
) -> None:
    party = party_of(NATIVE_BOUND)
    form = {
        "client_id": NATIVE_BOUND.client_id,
        "grant_type": "authorization_code",
        "code": party.get_code(alice),
        "redirect_uri": NATIVE_BOUND.redirect_uri,
        "code_verifier": party.pkce.verifier,
    }
    url = f"{stack.authz_tls}/oauth2/v1/token"
    assert error_of(caller.by(None).post(url, data=form)) == "invalid_request"
    tokens = caller.by(NATIVE_CERTIFICATE).post(url, data=form).json()
    assert "cnf" in str(unverified(tokens["access_token"])[1])
    # userinfo enforces the binding too; the identity provider's own port sees no certificate
    assert refused_as_bound(party.userinfo(tokens["access_token"]))
    refresh = {
        "client_id": NATIVE_BOUND.client_id,
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
    }
    assert error_of(caller.by(None).post(url, data=refresh)) == "invalid_request"
    assert error_of(caller.by(OWN).post(url, data=refresh)) == "invalid_grant"
    refreshed = caller.by(NATIVE_CERTIFICATE).post(url, data=refresh)
    assert refreshed.status_code == 200, refreshed.text
    assert caller.resource(NATIVE_CERTIFICATE, refreshed.json()["access_token"]).status_code == 200
    assert refused_as_bound(caller.resource(OWN, refreshed.json()["access_token"]))


def test_a_spoofed_certificate_field_from_outside_is_nothing(stack: Stack, http: httpx.Client, caller: Caller) -> None:
    token = bound_token(caller)
    for headers in spoofed_headers():
        for ask in (http, caller.by(None), caller.by(NATIVE_CERTIFICATE)):
            base = stack.authz if ask is http else stack.authz_tls
            assert invalid_client(ask.post(f"{base}/oauth2/v1/token", data=FORM, headers=headers)), headers
            base = stack.rs if ask is http else stack.rs_tls
            assert refused_as_bound(ask.get(f"{base}/resource", headers={**headers, **bearer(token)})), headers
        assert refused_as_bound(http.get(f"{stack.idp}/oidc/v1/userinfo", headers={**headers, **bearer(token)}))


def test_a_field_does_not_replace_the_certificate_of_the_connection(stack: Stack, caller: Caller) -> None:
    token = bound_token(caller)
    headers = {"Client-Cert": NATIVE_CERTIFICATE.header}
    assert caller.by(OWN).post(f"{stack.authz_tls}/oauth2/v1/token", data=FORM, headers=headers).status_code == 200
    assert caller.by(OWN).get(f"{stack.rs_tls}/resource", headers={**headers, **bearer(token)}).status_code == 200


def test_a_client_that_registers_a_certificate_can_use_it_within_a_second_until_it_is_gone(
    stack: Stack, http: httpx.Client, caller: Caller
) -> None:
    own = issue()
    assert caller.is_refused_by_tls(own, stack.authz_tls)
    metadata = {
        "client_name": "Registered at run time",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "tls_client_certificate_bound_access_tokens": True,
        "scope": "profile",
        "jwks": own.jwks,
    }
    registered = http.post(f"{stack.authz}/oauth2/v1/register", json=metadata)
    assert registered.status_code == 201, registered.text
    assert caller.seconds_until(own, stack.authz_tls, refused=False) < 1
    assert caller.seconds_until(own, stack.rs_tls, refused=False) < 1
    response = caller.token(own, registered.json()["client_id"])
    assert response.status_code == 200, response.text
    assert caller.resource(own, response.json()["access_token"]).status_code == 200
    manage = bearer(registered.json()["registration_access_token"])
    assert http.delete(registered.json()["registration_client_uri"], headers=manage).status_code == 204
    assert caller.seconds_until(own, stack.authz_tls, refused=True) < 1
    assert caller.seconds_until(own, stack.rs_tls, refused=True) < 1


def test_a_proxy_that_ends_tls_tells_the_certificate(
    stack: Stack, caller: Caller, certificates: Certificates, demo: RelyingParty
) -> None:
    if stack.proxy is None:
        pytest.skip("HAProxy is not installed here")
    authz, rs = stack.proxy.authz, stack.proxy.rs
    assert caller.token(certificates.demo, TLS_DEMO.client_id, base=authz).status_code == 200
    token = caller.token(OWN, SELF_SIGNED.client_id, base=authz).json()["access_token"]
    assert demo.introspect(token).json()["cnf"] == {"x5t#S256": x5t(OWN)}
    assert caller.resource(OWN, token, base=rs).status_code == 200
    assert caller.resource(OWN, token).status_code == 200  # by whichever way
    for other in (None, certificates.demo, issue()):
        assert refused_as_bound(caller.resource(other, token, base=rs))


def test_behind_a_proxy_any_certificate_arrives_and_is_judged(
    stack: Stack, caller: Caller, certificates: Certificates
) -> None:
    if stack.proxy is None:
        pytest.skip("HAProxy is not installed here")
    subject = Wanted(subject="CN=demo-tls-client,O=Tessera Demo")
    expired = Wanted(subject=subject.subject, begins=timedelta(days=-2), ends=timedelta(days=-1))
    for pair in (None, issue(), issue(subject), issue(subject, authority()), issue(expired, certificates.ca), OWN):
        assert invalid_client(caller.token(pair, TLS_DEMO.client_id, base=stack.proxy.authz)), pair
    for pair in (None, issue(), certificates.demo, NATIVE_CERTIFICATE):
        assert invalid_client(caller.token(pair, SELF_SIGNED.client_id, base=stack.proxy.authz)), pair


def test_a_proxy_lets_no_client_write_the_field(stack: Stack, caller: Caller) -> None:
    if stack.proxy is None:
        pytest.skip("HAProxy is not installed here")
    token = bound_token(caller)
    for headers in spoofed_headers():
        for pair in (None, NATIVE_CERTIFICATE):
            client = caller.by(pair)
            refused = client.post(f"{stack.proxy.authz}/oauth2/v1/token", data=FORM, headers=headers)
            assert refused.status_code in (400, 401), headers
            refused = client.get(f"{stack.proxy.rs}/resource", headers={**headers, **bearer(token)})
            assert refused.status_code in (400, 401), headers


def test_userinfo_takes_a_bound_token_behind_a_proxy_with_its_certificate(
    stack: Stack, caller: Caller, alice: Browser, party_of: Callable[[object], RelyingParty]
) -> None:
    if stack.proxy is None:
        pytest.skip("HAProxy is not installed here")
    party = party_of(NATIVE_BOUND)
    form = {
        "client_id": NATIVE_BOUND.client_id,
        "grant_type": "authorization_code",
        "code": party.get_code(alice),
        "redirect_uri": NATIVE_BOUND.redirect_uri,
        "code_verifier": party.pkce.verifier,
    }
    token = caller.by(NATIVE_CERTIFICATE).post(f"{stack.proxy.authz}/oauth2/v1/token", data=form).json()["access_token"]
    url = f"{stack.proxy.idp}/oidc/v1/userinfo"
    assert caller.by(NATIVE_CERTIFICATE).get(url, headers=bearer(token)).json()["sub"]
    for pair in (None, OWN):
        assert refused_as_bound(caller.by(pair).get(url, headers=bearer(token)))


def test_the_field_counts_from_a_configured_address_only(stack: Stack, http: httpx.Client, caller: Caller) -> None:
    if stack.kind != "embedded":
        pytest.skip("only on the loopback interface can a test choose the address that it comes from")
    token = bound_token(caller)
    headers = {"Client-Cert": OWN.header}
    with http_from_a_proxy() as proxy:
        assert proxy.post(f"{stack.authz}/oauth2/v1/token", data=FORM, headers=headers).status_code == 200
        assert proxy.get(f"{stack.rs}/resource", headers={**headers, **bearer(token)}).status_code == 200
        assert invalid_client(proxy.post(f"{stack.authz}/oauth2/v1/token", data=FORM))
        twice = [("Client-Cert", OWN.header), ("Client-Cert", NATIVE_CERTIFICATE.header)]
        for malformed in (twice, {"Client-Cert": OWN.x5c}, {"Client-Cert": ""}, {"Client-Cert": ":AAAA:"}):
            response = proxy.post(f"{stack.authz}/oauth2/v1/token", data=FORM, headers=malformed)
            assert (response.status_code, error_of(response)) == (400, "invalid_request")
    assert invalid_client(http.post(f"{stack.authz}/oauth2/v1/token", data=FORM, headers=headers))

"""Where a request's client certificate comes from, and from whom it is believed."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2e.certificates import authority, issue
from tessera_shared.errors import OAuthError
from tessera_shared.http.client_certificate import presented_certificate, without_certificate_fields
from tessera_shared.http.exchange import Exchange
from tessera_shared.http.headers import client_address, parse_networks
from tessera_shared.mutual_tls.certificate import ClientCertificate

CA = authority()
CLIENT, OTHER = issue(issuer=CA), issue()
PROXIES = parse_networks(["10.0.0.0/8", "fd00::/8"])


def scope(*headers, peer="10.0.0.1", tls=None):
    extensions = {} if tls is None else {"tls": {"client_cert_chain": tls}}
    return {
        "type": "http",
        "method": "GET",
        "path": "/",
        "client": (peer, 1234),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "extensions": extensions,
    }


def test_a_configured_proxy_is_believed():
    request = scope(("client-cert", CLIENT.header))
    assert presented_certificate(request, PROXIES) == ClientCertificate(CLIENT.der)


def test_the_chain_comes_from_one_or_several_fields_in_order():
    request = scope(
        ("client-cert", CLIENT.header),
        ("client-cert-chain", f"{CA.header}, {OTHER.header}"),
        ("client-cert-chain", CA.header),
    )
    found = presented_certificate(request, PROXIES)
    assert found == ClientCertificate(CLIENT.der, (CA.der, OTHER.der, CA.der))


@pytest.mark.parametrize("peer", ["192.0.2.1", "127.0.0.1", "11.0.0.1", "2001:db8::1", "", "10.0.0.1.example", "unix:"])
def test_nobody_else_is_believed(peer):
    assert presented_certificate(scope(("client-cert", CLIENT.header), peer=peer), PROXIES) is None


def test_without_configured_proxies_nobody_is_believed():
    assert presented_certificate(scope(("client-cert", CLIENT.header)), ()) is None


def test_what_a_forwarded_address_claims_does_not_make_a_proxy():
    request = scope(("client-cert", CLIENT.header), ("x-forwarded-for", "10.0.0.1"), peer="192.0.2.1")
    assert presented_certificate(request, PROXIES) is None


def test_on_a_tls_port_the_connection_alone_counts():
    header = ("client-cert", OTHER.header)
    assert presented_certificate(scope(header, tls=[CLIENT.pem, CA.pem]), PROXIES) == ClientCertificate(
        CLIENT.der, (CA.der,)
    )
    assert presented_certificate(scope(header, tls=[]), PROXIES) is None


def test_on_a_tls_port_no_forwarded_address_is_believed():
    header = ("x-forwarded-for", "203.0.113.9")
    assert client_address(scope(header), PROXIES) == "203.0.113.9"
    assert client_address(scope(header, tls=[]), PROXIES) == "10.0.0.1"


MALFORMED = [
    "",
    ":",
    "::",
    CLIENT.x5c,
    f":{CLIENT.x5c}",
    f":{CLIENT.x5c}:;a=1",
    f":{CLIENT.x5c}:, :{CLIENT.x5c}:",
    f'"{CLIENT.x5c}"',
    f":{CLIENT.x5c[:-4]}:",
    f":{CLIENT.x5c[4:]}:",
    f":{base64.b64encode(CLIENT.pem.encode()).decode()}:",
    f":{base64.b64encode(CLIENT.der + b'x').decode()}:",
    f":{base64.urlsafe_b64encode(CLIENT.der).decode()}-_:",
    ":////:",
    "-----BEGIN CERTIFICATE-----",
    CLIENT.pem.replace("\n", "%0A"),
]


@pytest.mark.parametrize("value", MALFORMED)
def test_what_is_no_certificate_by_rfc_9440_is_refused(value):
    with pytest.raises(OAuthError) as caught:
        presented_certificate(scope(("client-cert", value)), PROXIES)
    assert (caught.value.error, caught.value.status) == ("invalid_request", 400)


def test_two_certificates_are_refused():
    with pytest.raises(OAuthError):
        presented_certificate(scope(("client-cert", CLIENT.header), ("client-cert", OTHER.header)), PROXIES)


def test_a_chain_with_something_else_in_it_is_refused():
    with pytest.raises(OAuthError):
        presented_certificate(scope(("client-cert", CLIENT.header), ("client-cert-chain", f"{CA.header},")), PROXIES)


@given(st.binary(max_size=300))
def test_random_bytes_are_never_a_certificate(content):
    value = f":{base64.b64encode(content).decode()}:"
    with pytest.raises(OAuthError):
        presented_certificate(scope(("client-cert", value)), PROXIES)


@given(st.text(st.characters(max_codepoint=255), max_size=200))
def test_random_text_is_never_a_certificate(text):
    request = scope()
    request["headers"] = [(b"client-cert", text.encode("latin-1"))]
    with pytest.raises(OAuthError):
        presented_certificate(request, PROXIES)


@pytest.mark.parametrize("peer", ["10.0.0.1", "192.0.2.1"])
async def test_the_application_sees_the_certificate_and_never_the_fields(peer):
    seen = {}

    async def app(scope, _receive, send):
        seen.update(scope)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def send(_message):
        pass

    request = scope(("client-cert", CLIENT.header), ("client-cert-chain", CA.header), ("host", "a"), peer=peer)
    await Exchange(app, (), PROXIES)(request, None, send)
    assert [name for name, _ in seen["headers"]] == [b"host"]
    certificate = seen["state"]["client_certificate"]
    assert (certificate is not None) == (peer == "10.0.0.1")


def test_a_scope_without_the_fields_stays_as_it_is():
    request = scope(("host", "a"))
    assert without_certificate_fields(request) is request

"""tls_client_auth and self_signed_tls_client_auth: which certificate is whose."""

import ipaddress
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from e2e.certificates import Wanted, authority, issue
from tessera_authz.client_auth import _extract, self_signed_tls_client_auth, tls_client_auth
from tessera_authz.client_auth.credentials import ClientIdAlone, Presentation
from tessera_authz.client_auth.method import Verifiers, client_id_alone
from tessera_authz.protocol.certificate_subject import FIELDS
from tessera_authz.protocol.client import Client
from tessera_authz.store.clients import ClientRecord
from tessera_shared.client_keys import ClientKeys
from tessera_shared.fetch import Fetched, NotFetched
from tessera_shared.http.form import parse
from tessera_shared.mutual_tls.certificate import ClientCertificate

NOW = datetime.now(UTC)
CA = authority("CN=Test CA")
DN, DNS, URI, IP, EMAIL = FIELDS
SAN = (
    x509.DNSName("client.example"),
    x509.DNSName("*.wild.example"),
    x509.UniformResourceIdentifier("https://client.example/id?x=1"),
    x509.IPAddress(ipaddress.ip_address("192.0.2.7")),
    x509.IPAddress(ipaddress.ip_address("2001:db8::7")),
    x509.RFC822Name("Agent@client.example"),
)
CLIENT = issue(Wanted(subject="CN=client,O=Example", san=SAN), CA)


class _Host:
    """Where clients' key sets are; counts what is fetched."""

    def __init__(self, *sets):
        self.sets, self.fetches = list(sets), 0

    async def get(self, _url, _accept):
        found = self.sets[min(self.fetches, len(self.sets) - 1)]
        self.fetches += 1
        if found is None:
            raise NotFetched("away")
        return Fetched(200, {"content-type": "application/json"}, json.dumps(found).encode())


async def problem(method, pair, *, keys=None, now=NOW, **metadata):
    record = ClientRecord(Client.from_metadata("c", metadata), [])
    certificate = None if pair is None else ClientCertificate(pair.der)
    keys = keys or ClientKeys(_Host(None))
    verifiers = Verifiers(secrets=None, sealer=None, assertions=None, keys=keys, anchors=(CA.certificate,))
    return await method.verify(ClientIdAlone("c", certificate), record, verifiers, now)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (DN, "CN=client,O=Example"),
        (DN, "cn=Client, o=example"),
        (DNS, "client.example"),
        (DNS, "CLIENT.example"),
        (DNS, "*.wild.example"),
        (URI, "https://client.example/id?x=1"),
        (IP, "192.0.2.7"),
        (IP, "2001:db8::7"),
        (IP, "2001:DB8:0:0:0:0:0:7"),
        (EMAIL, "Agent@client.example"),
        (EMAIL, "Agent@CLIENT.example"),
    ],
)
async def test_the_registered_subject_is_accepted(field, value):
    assert await problem(tls_client_auth, CLIENT, **{field: value}) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (DN, "CN=client"),
        (DN, "O=Example,CN=client"),
        (DN, "CN=client,O=Example,C=DE"),
        (DN, "CN=client.example"),
        (DN, ""),
        (DN, "nonsense"),
        (DNS, "client"),
        (DNS, "client.example."),
        (DNS, "a.client.example"),
        (DNS, "a.wild.example"),
        (DNS, "192.0.2.7"),
        (DNS, ""),
        (URI, "https://client.example/id"),
        (URI, "https://client.example/id?x=1#"),
        (URI, "HTTPS://client.example/id?x=1"),
        (URI, "client.example"),
        (IP, "192.0.2.8"),
        (IP, "192.0.2.07"),
        (IP, "::ffff:192.0.2.7"),
        (IP, "192.0.2.7/32"),
        (IP, "client.example"),
        (IP, ""),
        (EMAIL, "agent@client.example"),
        (EMAIL, "client.example"),
        (EMAIL, "@client.example"),
        (EMAIL, ""),
    ],
)
async def test_any_other_subject_is_refused(field, value):
    assert await problem(tls_client_auth, CLIENT, **{field: value}) == f"a certificate for the registered {field}"


async def test_a_name_counts_in_its_own_place_only():
    common_name = issue(Wanted(subject="CN=other.example"), CA)
    assert await problem(tls_client_auth, common_name, **{DNS: "other.example"}) is not None
    other_type = issue(Wanted(san=(x509.UniformResourceIdentifier("client.example"),)), CA)
    assert await problem(tls_client_auth, other_type, **{DNS: "client.example"}) is not None


async def test_exactly_one_field_must_be_registered():
    assert "exactly one" in await problem(tls_client_auth, CLIENT)
    both = {DN: "CN=client,O=Example", DNS: "client.example"}
    assert "exactly one" in await problem(tls_client_auth, CLIENT, **both)


async def test_the_right_subject_from_another_authority_is_refused():
    for pair in (
        issue(Wanted(subject="CN=client,O=Example")),
        issue(Wanted(subject="CN=client,O=Example"), authority()),
    ):
        assert "chain" in await problem(tls_client_auth, pair, **{DN: "CN=client,O=Example"})


async def test_an_expired_certificate_is_refused():
    pair = issue(Wanted(begins=timedelta(days=-2), ends=timedelta(days=-1)), CA)
    assert "chain" in await problem(tls_client_auth, pair, **{DN: "CN=client"})


@pytest.mark.parametrize("method", [tls_client_auth, self_signed_tls_client_auth])
async def test_without_a_certificate_there_is_no_client(method):
    assert await problem(method, None, **{DN: "CN=client", "jwks": issue().jwks}) == "a client certificate"


OWN = issue(Wanted(subject="CN=own"))


def keys(*jwks):
    return {"keys": [key for each in jwks for key in each["keys"]]}


def without(jwks, *members, **changes):
    return {"keys": [{name: v for name, v in {**jwks["keys"][0], **changes}.items() if name not in members}]}


@pytest.mark.parametrize(
    "jwks",
    [
        OWN.jwks,
        keys(issue().jwks, OWN.jwks),
        without(OWN.jwks, "x5c"),
        without(OWN.jwks, "use"),
        keys({"keys": [{"kty": "unknown"}, {}]}, OWN.jwks),
    ],
    ids=["the certificate", "among others", "the key alone", "for any use", "beside unknown keys"],
)
async def test_a_registered_certificate_is_accepted(jwks):
    assert await problem(self_signed_tls_client_auth, OWN, jwks=jwks) is None


NAMESAKE = issue(Wanted(subject="CN=own"))
RENEWED = issue(Wanted(subject="CN=own"), key=OWN.key)
HOSTILE_KEY_SETS = {
    "none": None,
    "empty": {},
    "no keys": {"keys": []},
    "keys of a wrong type": {"keys": "x"},
    "no key but text": {"keys": ["x", 1, None]},
    "another certificate": issue().jwks,
    "the same subject": NAMESAKE.jwks,
    "the same key in another certificate": RENEWED.jwks,
    "the certificate second": without(OWN.jwks, x5c=[NAMESAKE.x5c, OWN.x5c]),
    "an empty x5c": without(OWN.jwks, x5c=[]),
    "x5c of a wrong type": without(OWN.jwks, x5c=OWN.x5c),
    "x5c of numbers": without(OWN.jwks, x5c=[1]),
    "x5c of an object": without(OWN.jwks, x5c={"0": OWN.x5c}),
    "for encryption": without(OWN.jwks, use="enc"),
    "a symmetric key": {"keys": [{"kty": "oct", "k": "AAAA"}]},
    "a broken key": without(OWN.jwks, "x5c", x="AAAA"),
}


@pytest.mark.parametrize("jwks", HOSTILE_KEY_SETS.values(), ids=HOSTILE_KEY_SETS.keys())
async def test_no_other_key_set_makes_a_certificate_the_clients(jwks):
    assert await problem(self_signed_tls_client_auth, OWN, jwks=jwks) == "a certificate of the client's jwks"


@pytest.mark.parametrize(
    ("begins", "ends"), [(timedelta(days=-2), timedelta(days=-1)), (timedelta(hours=1), timedelta(days=1))]
)
async def test_a_registered_certificate_counts_only_while_it_is_valid(begins, ends):
    pair = issue(Wanted(begins=begins, ends=ends))
    assert "valid at" in await problem(self_signed_tls_client_auth, pair, jwks=pair.jwks)


async def test_a_certificate_of_the_authority_is_not_a_registered_one():
    assert await problem(self_signed_tls_client_auth, issue(None, CA), jwks=OWN.jwks) is not None


async def test_an_rsa_certificate_matches_its_key():
    pair = issue(key=rsa.generate_private_key(65537, 2048))
    assert await problem(self_signed_tls_client_auth, pair, jwks=OWN.jwks) is not None
    assert await problem(self_signed_tls_client_auth, pair, jwks={"keys": [{"kty": "RSA", "x5c": [pair.x5c]}]}) is None


async def test_certificates_of_a_jwks_uri_are_fetched_kept_and_fetched_again_for_a_new_one():
    renewed = issue(Wanted(subject="CN=own"))
    host = _Host(OWN.jwks, renewed.jwks)
    keys, uri = ClientKeys(host), {"jwks_uri": "https://client.example/jwks"}
    for _use in range(3):
        assert await problem(self_signed_tls_client_auth, OWN, keys=keys, **uri) is None
    assert host.fetches == 1
    assert await problem(self_signed_tls_client_auth, renewed, keys=keys, **uri) is not None  # too soon after the first
    later = NOW + timedelta(seconds=61)
    assert await problem(self_signed_tls_client_auth, renewed, keys=keys, now=later, **uri) is None
    assert await problem(self_signed_tls_client_auth, OWN, keys=keys, now=later, **uri) is not None
    assert host.fetches == 2


@pytest.mark.parametrize("told", [None, [], "x", {"keys": {}}, {"keys": ["x"]}])
async def test_a_jwks_uri_that_tells_no_certificate_makes_nobody_a_client(told):
    keys = ClientKeys(_Host(told))
    assert (
        await problem(self_signed_tls_client_auth, OWN, keys=keys, jwks_uri="https://client.example/jwks") is not None
    )


async def test_a_weak_key_is_refused_although_it_is_registered():
    pair = issue(key=rsa.generate_private_key(65537, 1024))  # noqa: S505
    jwks = {"keys": [{"kty": "RSA", "x5c": [pair.x5c]}]}
    assert "2048" in await problem(self_signed_tls_client_auth, pair, jwks=jwks)


def test_a_certificate_is_no_credential_of_its_own_beside_others():
    certificate = ClientCertificate(OWN.der)
    alone = Presentation((), parse(b"client_id=c"), "https://as.example/token", certificate)
    assert _extract(alone) == (client_id_alone, ClientIdAlone("c", certificate))
    with_secret = Presentation((), parse(b"client_id=c&client_secret=s"), "https://as.example/token", certificate)
    assert _extract(with_secret)[0] is not client_id_alone

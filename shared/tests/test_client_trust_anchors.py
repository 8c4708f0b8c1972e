"""Chains to the configured authorities, and which registered certificates a handshake may trust."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from e2e.certificates import Wanted, authority, issue
from tessera_shared.errors import StartupError
from tessera_shared.mutual_tls.anchors import load_anchors, problem_with_chain
from tessera_shared.mutual_tls.certificate import ClientCertificate
from tessera_shared.mutual_tls.registered import trustworthy

NOW = datetime.now(UTC)
ROOT = authority("CN=Root,O=Test")
BETWEEN = authority("CN=Between,O=Test", ROOT)
IMITATION = authority("CN=Root,O=Test")
ANCHORS = (ROOT.certificate,)
CLIENT_AUTH, SERVER_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


def problem(pair, *chain, anchors=ANCHORS, now=NOW):
    presented = ClientCertificate(pair.der, tuple(each.der for each in chain))
    return problem_with_chain(presented, anchors, now)


def names(*found):
    return tuple(x509.DNSName(each) for each in found)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(san=names("client.example")),
        Wanted(usage=(CLIENT_AUTH,)),
        Wanted(usage=(CLIENT_AUTH, SERVER_AUTH)),
        Wanted(subject="", san=names("client.example")),
    ],
)
def test_what_the_authority_issued_is_accepted(wanted):
    assert problem(issue(wanted, ROOT)) is None


def test_rsa_clients_are_accepted_from_2048_bits_on():
    assert problem(issue(None, ROOT, rsa.generate_private_key(65537, 2048))) is None
    assert problem(issue(None, ROOT, rsa.generate_private_key(65537, 1024))) is not None  # noqa: S505


def test_a_chain_over_an_intermediate_authority_is_accepted_when_it_is_there():
    client = issue(None, BETWEEN)
    assert problem(client, BETWEEN) is None
    assert problem(client) is not None
    assert problem(client, anchors=(ROOT.certificate, BETWEEN.certificate)) is None
    assert problem(client, anchors=(BETWEEN.certificate,)) is None


FALSE_AUTHORITY = issue(Wanted(subject="CN=Between,O=Test"), ROOT)

REFUSED = {
    "self-signed": (issue(),),
    "self-signed with the authority's name": (IMITATION,),
    "issued by an authority of the same name": (issue(None, IMITATION),),
    "issued by an authority of the same name, sent along": (issue(None, IMITATION), IMITATION),
    "issued by somebody else": (issue(None, authority("CN=Somebody")),),
    "issued by a certificate that is no authority": (issue(None, FALSE_AUTHORITY), FALSE_AUTHORITY),
    "expired": (issue(Wanted(begins=timedelta(days=-2), ends=timedelta(hours=-1)), ROOT),),
    "not valid yet": (issue(Wanted(begins=timedelta(minutes=5)), ROOT),),
    "for servers only": (issue(Wanted(usage=(SERVER_AUTH,)), ROOT),),
    "an authority itself": (BETWEEN,),
    "the anchor itself": (ROOT,),
}


@pytest.mark.parametrize("chain", REFUSED.values(), ids=REFUSED.keys())
def test_everything_else_is_refused(chain):
    assert problem(*chain) is not None


def test_times_are_those_of_the_request():
    client = issue(Wanted(begins=timedelta(0), ends=timedelta(hours=1)), ROOT)
    assert problem(client, now=NOW + timedelta(minutes=30)) is None
    assert problem(client, now=NOW + timedelta(hours=2)) is not None
    assert problem(client, now=NOW - timedelta(hours=1)) is not None


def test_without_anchors_nothing_is_accepted():
    assert problem(issue(None, ROOT), anchors=()) is not None


def test_garbage_is_refused():
    assert problem_with_chain(ClientCertificate(b"garbage"), ANCHORS, NOW) is not None
    assert problem_with_chain(ClientCertificate(issue(None, ROOT).der, (b"garbage",)), ANCHORS, NOW) is not None


def test_anchors_are_read_from_a_file_or_stop_the_start(tmp_path):
    file = tmp_path / "anchors.pem"
    file.write_text(ROOT.pem + BETWEEN.pem)
    assert load_anchors(file) == (ROOT.certificate, BETWEEN.certificate)
    assert load_anchors(None) == ()
    for content in ("", "nonsense", ROOT.pem[:200]):
        file.write_text(content)
        with pytest.raises(StartupError, match="client_trust_anchors_file"):
            load_anchors(file)
    with pytest.raises(StartupError, match="client_trust_anchors_file"):
        load_anchors(tmp_path / "missing")


def test_registered_self_signed_certificates_are_trusted():
    first, second = issue(), issue()
    assert set(trustworthy([first.x5c, second.x5c], ANCHORS)) == {first.der, second.der}


@pytest.mark.parametrize("subject", ["CN=Root,O=Test", "CN=ROOT,O=test", "CN=Root,O=Test\\ "])
def test_a_registered_certificate_never_takes_an_authoritys_name(subject):
    assert trustworthy([issue(Wanted(subject=subject)).x5c], ANCHORS) == []


def test_a_registered_certificate_that_somebody_issued_is_not_trusted():
    assert trustworthy([issue(None, BETWEEN).x5c], ANCHORS) == []


@pytest.mark.parametrize("text", ["", "!", "AAAA", "ä", issue().x5c[:-8], issue().x5c + "AAAA", issue().pem])
def test_what_is_no_certificate_is_left_out_alone(text):
    good = issue()
    assert trustworthy([text, good.x5c], ANCHORS) == [good.der]

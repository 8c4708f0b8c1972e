"""The demonstration's certificates: made once, kept, renewed in time, and good for what they are for."""

import stat
from datetime import timedelta

from cryptography import x509
from cryptography.x509.verification import DNSName, PolicyBuilder, Store

from e2e.certificates import read
from tessera_shared import demo_certificates
from tessera_shared.demo_certificates import make_certificates
from tessera_shared.mutual_tls.anchors import load_anchors, problem_with_chain
from tessera_shared.mutual_tls.certificate import ClientCertificate
from tessera_shared.mutual_tls.distinguished_name import canonical, parse

ALL = {
    "certificates/ca.pem",
    "authz/tls_certificate.pem",
    "rs/tls_certificate.pem",
    "certificates/demo-tls-client.pem",
}


def files(directory):
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()}


def test_each_service_gets_what_it_needs_and_nobody_else_may_read_it(tmp_path):
    assert set(make_certificates(tmp_path)) == ALL
    expected = {
        f"{service}/{name}" for service in ("authz", "rs") for name in ("tls_key.pem", "client_trust_anchors.pem")
    }
    assert set(files(tmp_path)) == ALL | expected | {"certificates/ca.key", "certificates/demo-tls-client.key"}
    for path in tmp_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_second_run_changes_nothing(tmp_path):
    make_certificates(tmp_path)
    before = files(tmp_path)
    assert make_certificates(tmp_path) == []
    assert files(tmp_path) == before


def test_servers_are_verified_by_their_names(tmp_path):
    make_certificates(tmp_path)
    ca = x509.load_pem_x509_certificate((tmp_path / "certificates/ca.pem").read_bytes())
    policy = PolicyBuilder().store(Store([ca]))
    for service in ("authz", "rs"):
        certificate = x509.load_pem_x509_certificate((tmp_path / service / "tls_certificate.pem").read_bytes())
        for name in ("localhost", service):
            policy.build_server_verifier(DNSName(name)).verify(certificate, [])


def test_the_client_is_the_one_that_the_configuration_registers(tmp_path):
    make_certificates(tmp_path)
    folder = tmp_path / "certificates"
    client = read(folder / "demo-tls-client.pem", folder / "demo-tls-client.key")
    anchors = load_anchors(tmp_path / "authz" / "client_trust_anchors.pem")
    now = client.certificate.not_valid_before_utc + timedelta(hours=1)
    assert problem_with_chain(ClientCertificate(client.der), anchors, now) is None
    assert canonical(client.certificate.subject) == parse("CN=demo-tls-client,O=Tessera Demo")


def test_what_is_about_to_end_is_made_again_by_the_same_authority(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_certificates, "_LIFETIME", timedelta(days=20))
    make_certificates(tmp_path)
    before = files(tmp_path)
    monkeypatch.undo()
    assert set(make_certificates(tmp_path)) == ALL - {"certificates/ca.pem"}
    after = files(tmp_path)
    assert after["certificates/ca.pem"] == before["certificates/ca.pem"]
    assert all(before[name] != after[name] for name in ALL - {"certificates/ca.pem"})


def test_a_lost_authority_is_replaced_with_all_that_it_issued(tmp_path):
    make_certificates(tmp_path)
    (tmp_path / "certificates/ca.key").unlink()
    assert set(make_certificates(tmp_path)) == ALL
    assert (tmp_path / "authz/client_trust_anchors.pem").read_text() == (tmp_path / "certificates/ca.pem").read_text()


def test_a_key_that_does_not_belong_to_its_certificate_is_replaced(tmp_path):
    make_certificates(tmp_path)
    (tmp_path / "rs/tls_key.pem").write_text((tmp_path / "authz/tls_key.pem").read_text())
    assert make_certificates(tmp_path) == ["rs/tls_certificate.pem"]

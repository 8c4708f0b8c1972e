"""Makes certificates for a demonstration: an authority of its own, the servers' certificates and one of a client.

They make the TLS ports work at once. A production gives the servers certificates of a public authority, and names in
`client_trust_anchors_file` the authority that its clients have certificates of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tessera_shared.private_file import write_private

FOLDER = "certificates"
"""Holds the authority with its key, and the client's certificate: what the user of a demonstration needs."""
ANCHORS = "client_trust_anchors.pem"
CLIENT = "demo-tls-client"

_ORGANIZATION = "Tessera Demo"
_AUTHORITY_LIFETIME = timedelta(days=3650)
_LIFETIME = timedelta(days=365)
_RENEW_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A certificate to be there: where, for whom, and for what."""

    certificate: Path
    key: Path
    common_name: str
    names: Sequence[x509.GeneralName]
    usage: x509.ObjectIdentifier


def make_certificates(directory: Path) -> list[str]:
    """Make what is missing or about to end below `directory`, beside the services' secrets.

    Returns:
        The certificates that were made, such as `authz/tls_certificate.pem`.

    """
    now = datetime.now(UTC)
    made: list[str] = []
    authority = _authority(directory / FOLDER, now, made)
    for service in ("authz", "rs"):
        anchors = directory / service / ANCHORS
        content = _pem(authority.certificate)
        if not anchors.exists() or anchors.read_text(encoding="ascii") != content:
            write_private(anchors, content)
    for wanted in _wanted(directory):
        if not _is_good(wanted.certificate, wanted.key, authority, now):
            _write(_issue(wanted, authority, now), wanted.certificate, wanted.key)
            made.append(str(wanted.certificate.relative_to(directory)))
    return made


def _wanted(directory: Path) -> list[_Wanted]:
    loopback = [x509.IPAddress(ip_address(address)) for address in ("127.0.0.1", "::1")]
    servers = [
        _Wanted(
            directory / service / "tls_certificate.pem",
            directory / service / "tls_key.pem",
            service,
            [x509.DNSName("localhost"), x509.DNSName(service), *loopback],
            ExtendedKeyUsageOID.SERVER_AUTH,
        )
        for service in ("authz", "rs")
    ]
    folder = directory / FOLDER
    names = [x509.DNSName(f"{CLIENT}.example")]
    client = _Wanted(folder / f"{CLIENT}.pem", folder / f"{CLIENT}.key", CLIENT, names, ExtendedKeyUsageOID.CLIENT_AUTH)
    return [*servers, client]


def _authority(folder: Path, now: datetime, made: list[str]) -> _Pair:
    """The one that is there, or a new one: then everything it shall have issued is made again."""
    certificate, key = folder / "ca.pem", folder / "ca.key"
    found = _read(certificate, key)
    if found is not None and _lasts(found.certificate, now):
        return found
    new = _new_authority(now)
    _write(new, certificate, key)
    made.append(f"{FOLDER}/ca.pem")
    return new


def _new_authority(now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Tessera Demo CA")
    certificate = (
        _builder(name, name, key.public_key(), now, _AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(key, SHA256())
    )
    return _Pair(certificate, key)


def _issue(wanted: _Wanted, authority: _Pair, now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate.subject
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder(_name(wanted.common_name), issuer, key.public_key(), now, _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([wanted.usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName(wanted.names), critical=False)
        .add_extension(identifier, critical=False)
        .sign(authority.key, SHA256())
    )
    return _Pair(certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # for clocks that disagree
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _is_good(certificate: Path, key: Path, authority: _Pair, now: datetime) -> bool:
    found = _read(certificate, key)
    if found is None or not _lasts(found.certificate, now):
        return False
    issued = found.certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    return issued == x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def _lasts(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_after_utc > now + _RENEW_BEFORE


def _read(certificate: Path, key: Path) -> _Pair | None:
    """What is there; None where a part is missing or cannot be read, or the two do not belong together."""
    try:
        read = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = load_pem_private_key(key.read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != read.public_key():
        return None
    return _Pair(read, private)


def _write(pair: _Pair, certificate: Path, key: Path) -> None:
    private = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(key, private.decode("ascii"))
    write_private(certificate, _pem(pair.certificate))


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")

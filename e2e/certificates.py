"""Certificates for tests: authorities, what they issue, self-signed ones, and broken ones."""

import base64
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """The private key."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def x5c(self) -> str:
        """The certificate as a member of `x5c` (RFC 7517 §4.7)."""
        return base64.b64encode(self.der).decode()

    @property
    def header(self) -> str:
        """The certificate as `Client-Cert` (RFC 9440 §2.1)."""
        return f":{self.x5c}:"

    @property
    def jwks(self) -> dict[str, Any]:
        """A key set that holds it (RFC 8705 §2.2.2)."""
        assert isinstance(self.key, ec.EllipticCurvePrivateKey)
        numbers = self.key.public_key().public_numbers()
        x, y = (base64.urlsafe_b64encode(n.to_bytes(32)).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
        return {"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "x": x, "y": y, "x5c": [self.x5c]}]}

    def write(self, folder: Path, name: str = "client") -> tuple[Path, Path]:
        """Certificate and key as PEM files."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_text(self.pem)
        key.touch(mode=0o600)
        key.write_text(self.key_pem)
        return certificate, key


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a certificate shall say."""

    subject: str = "CN=client"
    san: tuple[x509.GeneralName, ...] = ()
    is_authority: bool = False
    begins: timedelta = timedelta(days=-1)
    ends: timedelta = timedelta(days=1)
    usage: tuple[x509.ObjectIdentifier, ...] = ()


def issue(wanted: Wanted | None = None, issuer: Pair | None = None, key: PrivateKey | None = None) -> Pair:
    """Make a certificate, signed by an issuer or by itself."""
    wanted = wanted or Wanted()
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name.from_rfc4514_string(wanted.subject)
    signer, name = (issuer.key, issuer.certificate.subject) if issuer else (key, subject)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + wanted.begins)
        .not_valid_after(now + wanted.ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    if wanted.is_authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_signs_certificates(), critical=True)
    if wanted.san:
        builder = builder.add_extension(x509.SubjectAlternativeName(wanted.san), critical=not wanted.subject)
    if wanted.usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage(wanted.usage), critical=False)
    return Pair(builder.sign(signer, SHA256()), key)


def authority(subject: str = "CN=Test CA", issuer: Pair | None = None) -> Pair:
    """A certification authority."""
    return issue(Wanted(subject=subject, is_authority=True), issuer)


def server(issuer: Pair) -> Pair:
    """A certificate for a server on this machine."""
    names = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    return issue(Wanted(subject="CN=localhost", san=names, usage=(ExtendedKeyUsageOID.SERVER_AUTH,)), issuer)


def read(certificate: Path, key: Path) -> Pair:
    """A pair from PEM files."""
    private = load_pem_private_key(key.read_bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return Pair(x509.load_pem_x509_certificate(certificate.read_bytes()), private)


def client_context(trusted: Pair, own: Pair | None = None, *between: Pair) -> ssl.SSLContext:
    """How a client speaks TLS: whom it trusts, and what it shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=trusted.der)
    if own is not None:
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = own.write(Path(folder))
            certificate.write_text("".join(pair.pem for pair in (own, *between)))
            context.load_cert_chain(certificate, key)
    return context


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )

"""The certification authorities whose client certificates are accepted, and the check of a chain (RFC 5280 §6)."""

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from tessera_shared.errors import StartupError
from tessera_shared.mutual_tls.certificate import ClientCertificate, has_weak_key

Anchors = tuple[x509.Certificate, ...]


def load_anchors(path: Path | None) -> Anchors:
    """Read a PEM file of trust anchors; none without a file.

    Raises:
        StartupError: The file cannot be read, or holds no certificate.

    """
    if path is None:
        return ()
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise StartupError(f"client_trust_anchors_file: {path}: {error}") from error


def problem_with_chain(certificate: ClientCertificate, anchors: Anchors, now: datetime) -> str | None:
    """What is wrong with the path from the certificate to an anchor; None for a valid one.

    The certificates between may come with the request or be anchors themselves. Revocation lists are not read.
    """
    if not anchors:
        return "configured trust anchors"
    try:
        leaf, *between = (x509.load_der_x509_certificate(der) for der in (certificate.der, *certificate.chain))
        chain = _policy(anchors, now).build_client_verifier().verify(leaf, between).chain
    except (VerificationError, ValueError) as error:
        return f"a chain to a configured trust anchor ({str(error).splitlines()[0][:200]})"
    if any(has_weak_key(link) for link in chain):  # the verifier does not look at that
        return "RSA keys of 2048 bits or more"
    return None


def _policy(anchors: Anchors, now: datetime) -> PolicyBuilder:
    """The Web PKI's rules, but for what private authorities leave out of clients' certificates."""
    clients = (
        ExtensionPolicy.webpki_defaults_ee()
        .may_be_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
        .may_be_present(x509.AuthorityKeyIdentifier, Criticality.AGNOSTIC, None)
    )
    authorities = ExtensionPolicy.webpki_defaults_ca().may_be_present(
        x509.AuthorityKeyIdentifier, Criticality.AGNOSTIC, None
    )
    policy = PolicyBuilder().store(Store(list(anchors))).time(now)
    return policy.extension_policies(ca_policy=authorities, ee_policy=clients)

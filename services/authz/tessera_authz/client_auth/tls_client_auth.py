"""tls_client_auth: a certificate of a known authority, for the subject that the client registered (RFC 8705 §2.1)."""

from datetime import datetime

from cryptography import x509

from tessera_authz.client_auth.credentials import ClientIdAlone
from tessera_authz.client_auth.method import Method, Problem, Verifiers, client_id_alone
from tessera_authz.protocol.certificate_subject import CertificateSubject, problem_with_subject
from tessera_authz.store.clients import ClientRecord
from tessera_shared.mutual_tls.anchors import problem_with_chain
from tessera_shared.mutual_tls.distinguished_name import canonical


async def verify(credentials: ClientIdAlone, record: ClientRecord, by: Verifiers, now: datetime) -> Problem:
    """Check the chain with its times first, then the subject."""
    certificate = credentials.certificate
    if certificate is None:
        return "a client certificate"
    problem = problem_with_chain(certificate, by.anchors, now)
    if problem is not None:
        return problem
    try:
        subject = _subject(certificate.der)
    except ValueError:  # what OpenSSL and the chain's check do not read
        return "a certificate with readable names"
    return problem_with_subject(subject, record.client)


def _subject(der: bytes) -> CertificateSubject:
    """The names that a verified certificate is for."""
    certificate = x509.load_der_x509_certificate(der)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    return CertificateSubject(
        subject_dn=canonical(certificate.subject),
        dns=frozenset(names.get_values_for_type(x509.DNSName)),
        uri=frozenset(names.get_values_for_type(x509.UniformResourceIdentifier)),
        ip=frozenset(str(address) for address in names.get_values_for_type(x509.IPAddress)),
        email=frozenset(names.get_values_for_type(x509.RFC822Name)),
    )


METHOD = Method("tls_client_auth", client_id_alone, verify)

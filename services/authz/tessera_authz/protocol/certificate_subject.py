"""Which subject a client's certificate must have (RFC 8705 §2.1.2): one registered name, compared by its own rules."""

from dataclasses import dataclass
from ipaddress import ip_address

from tessera_authz.protocol.client import Client
from tessera_shared.mutual_tls import distinguished_name
from tessera_shared.mutual_tls.distinguished_name import DistinguishedName

FIELDS = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
"""The client metadata of RFC 8705 §2.1.2; a client of this method registers exactly one of them."""


@dataclass(frozen=True, slots=True)
class CertificateSubject:
    """The names in a certificate: its subject, and its subjectAltName entries by type (RFC 5280 §4.2.1.6)."""

    subject_dn: DistinguishedName
    dns: frozenset[str] = frozenset()
    uri: frozenset[str] = frozenset()
    ip: frozenset[str] = frozenset()
    email: frozenset[str] = frozenset()


def problem_with_subject(subject: CertificateSubject, client: Client) -> str | None:
    """What the client registered and the certificate does not have; None where they agree."""
    registered = {field: value for field in FIELDS if (value := getattr(client, field)) is not None}
    if len(registered) != 1:  # RFC 8705 §2.1.2
        return f"exactly one registered field of {', '.join(FIELDS)}, not {len(registered)}"
    ((field, value),) = registered.items()
    return None if _is_for(subject, field, value) else f"a certificate for the registered {field}"


def _is_for(subject: CertificateSubject, field: str, value: str) -> bool:
    match field:
        case "tls_client_auth_subject_dn":
            return _is_name(subject.subject_dn, value)
        case "tls_client_auth_san_dns":  # RFC 4343: case does not matter; a wildcard is a name like any other
            return value.lower() in {name.lower() for name in subject.dns}
        case "tls_client_auth_san_uri":  # RFC 3986 §6.2.1: character by character
            return value in subject.uri
        case "tls_client_auth_san_ip":
            return _is_address(subject.ip, value)
        case _:
            return _mailbox(value) in {_mailbox(address) for address in subject.email}


def _is_name(subject: DistinguishedName, value: str) -> bool:
    try:
        return distinguished_name.parse(value) == subject
    except ValueError:
        return False


def _is_address(addresses: frozenset[str], value: str) -> bool:
    """By value: IPv6 has many spellings (RFC 5952)."""
    try:
        return str(ip_address(value)) in addresses
    except ValueError:
        return False


def _mailbox(address: str) -> tuple[str, str]:
    """RFC 5280 §7.5: the local part is case-sensitive, the domain is not."""
    local, _, domain = address.rpartition("@")
    return local, domain.lower()

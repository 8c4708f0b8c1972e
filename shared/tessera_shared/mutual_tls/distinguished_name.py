"""Distinguished names, compared as RFC 5280 §7.1 asks: neither case nor repeated spaces make a difference."""

import re
import unicodedata

from cryptography import x509
from cryptography.x509.oid import NameOID

DistinguishedName = tuple[frozenset[tuple[str, str]], ...]
"""Relative names in the certificate's order, each a set of attribute type (dotted OID) and prepared value."""

_DESCRIPTORS = {
    "E": NameOID.EMAIL_ADDRESS,
    "EMAIL": NameOID.EMAIL_ADDRESS,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "SN": NameOID.SURNAME,
    "SURNAME": NameOID.SURNAME,
    "GN": NameOID.GIVEN_NAME,
    "GIVENNAME": NameOID.GIVEN_NAME,
    "T": NameOID.TITLE,
    "TITLE": NameOID.TITLE,
    "ORGANIZATIONIDENTIFIER": NameOID.ORGANIZATION_IDENTIFIER,
    "BUSINESSCATEGORY": NameOID.BUSINESS_CATEGORY,
}
"""Attribute types beside those of RFC 4514 §3, by the names that are in use for them."""
_ATTRIBUTE_TYPE = re.compile(r"(^|(?<!\\)[,+])\s*([A-Za-z][A-Za-z0-9-]*)\s*=\s*")
_SPACES_AT_END = re.compile(r"(?<!\\)((?:\\\\)*)\s+$")
"""Without the one that belongs to the value, since a backslash stands before it (RFC 4514 §2.4)."""


def parse(text: str) -> DistinguishedName:
    """Read the string form of RFC 4514; attribute types in any case (§3), spaces around them as RFC 2253 §4 had them.

    Raises:
        ValueError: It is none, or is empty.

    """
    text = _SPACES_AT_END.sub(r"\1", text.lstrip())
    written = _ATTRIBUTE_TYPE.sub(lambda found: f"{found[1]}{found[2].upper()}=", text)
    name = canonical(x509.Name.from_rfc4514_string(written, _DESCRIPTORS))
    if not name:
        raise ValueError("the distinguished name is empty")
    return name


def canonical(name: x509.Name) -> DistinguishedName:
    """The form that is equal for equal names."""
    return tuple(
        frozenset((attribute.oid.dotted_string, _prepare(attribute.value)) for attribute in relative)
        for relative in name.rdns
    )


def _prepare(value: str | bytes) -> str:
    """RFC 4518 §2, as far as it matters: one Unicode form, one case, single spaces."""
    if isinstance(value, bytes):
        return value.hex()
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())

"""Distinguished names: RFC 4514 strings against the names of certificates."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tessera_shared.mutual_tls.distinguished_name import canonical, parse


def name(*attributes):
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


EXAMPLE = name((NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "Tea & Co"), (NameOID.COMMON_NAME, "client"))


@pytest.mark.parametrize(
    "text",
    [
        "CN=client,O=Tea & Co,C=DE",
        "cn=client,o=Tea & Co,c=DE",
        "CN=CLIENT,O=TEA & CO,C=de",
        "CN=client, O=Tea & Co, C=DE",
        "CN = client,O = Tea  &  Co,C = DE",
        "2.5.4.3=client,2.5.4.10=Tea & Co,2.5.4.6=DE",
        "CN=cl\\69ent,O=Tea \\26 Co,C=DE",
    ],
)
def test_spellings_of_one_name_are_equal(text):
    assert parse(text) == canonical(EXAMPLE)


@pytest.mark.parametrize(
    "text",
    [
        "CN=client,O=Tea & Co",
        "C=DE,O=Tea & Co,CN=client",
        "CN=client,O=Tea & Co,C=DE,C=DE",
        "CN=client+O=Tea & Co,C=DE",
        "CN=client,OU=Tea & Co,C=DE",
        "CN=client\\,O=Tea & Co,C=DE",
        "CN=client2,O=Tea & Co,C=DE",
        "CN=clie nt,O=Tea & Co,C=DE",
    ],
)
def test_other_names_differ(text):
    assert parse(text) != canonical(EXAMPLE)


@pytest.mark.parametrize("text", ["", "  ", "client", "CN=", "=client", "CN=a,,O=b", "FOO=a", "CN=a\\", ",", "CN=#zz"])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the parser says
        parse(text)


def test_attributes_of_one_relative_name_have_no_order():
    assert parse("CN=a+OU=b,O=c") == parse("OU=b+CN=a,O=c")


def test_common_attribute_names_beside_rfc_4514_are_known():
    subject = name((NameOID.EMAIL_ADDRESS, "a@b.example"), (NameOID.SERIAL_NUMBER, "77"))
    assert parse("serialNumber=77,emailAddress=a@b.example") == canonical(subject)
    assert parse("SERIALNUMBER=77,E=a@b.example") == canonical(subject)


def test_an_escaped_comma_stays_part_of_its_value():
    assert parse("CN=Tea\\, Co") == canonical(name((NameOID.COMMON_NAME, "Tea, Co")))
    assert parse("CN=a\\, O=b") == canonical(name((NameOID.COMMON_NAME, "a, O=b")))


@pytest.mark.parametrize("value", ["Tea ", "Tea  ", " Tea", "Tea\\", "Tea\\ "])
def test_spaces_at_the_ends_of_a_value_belong_to_it(value):
    subject = name((NameOID.COMMON_NAME, value))
    assert parse(subject.rfc4514_string()) == parse(f"  {subject.rfc4514_string()}  ") == canonical(subject)


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(
    lambda text: text.strip() and len(text.encode()) <= 60
)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_every_name_is_equal_to_its_own_string(values):
    subject = name(*((NameOID.ORGANIZATION_NAME, value) for value in values))
    assert parse(subject.rfc4514_string()) == canonical(subject)


@given(TEXTS, TEXTS)
def test_a_value_never_reads_as_two_attributes(first, second):
    one = name((NameOID.COMMON_NAME, f"{first},O={second}".encode()[:60].decode(errors="ignore")))
    two = name((NameOID.ORGANIZATION_NAME, second), (NameOID.COMMON_NAME, first))
    assert parse(one.rfc4514_string()) == canonical(one) != canonical(two)

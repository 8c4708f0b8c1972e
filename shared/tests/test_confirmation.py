"""Tokens that are bound to a certificate, at whoever accepts them."""

import pytest

from e2e.certificates import issue
from tessera_shared.confirmation import check_certificate
from tessera_shared.jose.jwt import InvalidToken
from tessera_shared.mutual_tls.certificate import ClientCertificate

OWN, OTHER = ClientCertificate(issue().der), ClientCertificate(issue().der)


def bound(value):
    return {"cnf": {"x5t#S256": value}}


def test_the_certificate_of_the_token_is_accepted():
    check_certificate(bound(OWN.x5t_s256), OWN)


@pytest.mark.parametrize("certificate", [None, OWN, OTHER])
def test_a_token_that_is_not_bound_needs_none(certificate):
    check_certificate({}, certificate)


@pytest.mark.parametrize(
    "value",
    [
        OTHER.x5t_s256,
        OWN.x5t_s256 + "=",
        OWN.x5t_s256[:-1],
        OWN.x5t_s256.swapcase(),
        "",
        None,
        1,
        [OWN.x5t_s256],
        {},
        "ä",
    ],
    ids=["another", "padded", "cut", "other-case", "empty", "none", "number", "list", "object", "not-ascii"],
)
def test_any_other_thumbprint_is_refused(value):
    for certificate in (OWN, None):
        with pytest.raises(InvalidToken) as caught:
            check_certificate(bound(value), certificate)
        assert caught.value.check == "cnf"


def test_the_thumbprint_is_that_of_rfc_8705():
    # RFC 8705 §3.1: base64url SHA-256 of the DER, 43 characters without padding
    assert len(OWN.x5t_s256) == 43
    assert set("+/=") & set(OWN.x5t_s256) == set()

"""npm openid-client: userinfo signed and encrypted, encrypted ID tokens, pairwise subjects."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from e2e.clients import CALLBACK
from e2e.interop.conftest import Register
from e2e.interop.node import ForeignError, Node, Visit
from e2e.interop.scenario import asking

SCOPE = "openid profile email"
KEYS: dict[str, RSAKey | ECKey | OKPKey] = {
    "RSA-OAEP-256": RSAKey.generate_key(2048, {"use": "enc", "alg": "RSA-OAEP-256"}, auto_kid=True),
    "ECDH-ES": ECKey.generate_key("P-256", {"use": "enc", "alg": "ECDH-ES"}, auto_kid=True),
    "ECDH-ES+A128KW": ECKey.generate_key("P-256", {"use": "enc", "alg": "ECDH-ES+A128KW"}, auto_kid=True),
    "ECDH-ES+A256KW": OKPKey.generate_key("X25519", {"use": "enc", "alg": "ECDH-ES+A256KW"}, auto_kid=True),
}
PAIRS = [
    ("RSA-OAEP-256", "A256GCM"),
    ("RSA-OAEP-256", "A128CBC-HS256"),
    ("ECDH-ES", "A128GCM"),
    ("ECDH-ES+A128KW", "A256CBC-HS512"),
    ("ECDH-ES+A256KW", "A256GCM"),
]


def reading(metadata: dict[str, Any], alg: str, enc: str) -> dict[str, Any]:
    """A client as scripts read it, with the key that it decrypts with."""
    known = asking(metadata, redirect_uri=CALLBACK, scope=SCOPE)
    return {**known, "decrypt": {"key": dict(KEYS[alg].as_dict(private=True)), "enc": enc}}


def encrypted(alg: str, enc: str, *kinds: str) -> dict[str, Any]:
    """What a client registers that wants these encrypted."""
    metadata: dict[str, Any] = {"jwks": {"keys": [dict(KEYS[alg].as_dict(private=False))]}}
    for kind in kinds:
        metadata |= {f"{kind}_encrypted_response_alg": alg, f"{kind}_encrypted_response_enc": enc}
    return metadata


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_signed_userinfo_is_accepted(node: Node, registered: Register, user: Visit, alg: str) -> None:
    made = registered(userinfo_signed_response_alg=alg)
    result = node.run("authorization_code", user, **asking(made, redirect_uri=CALLBACK, scope=SCOPE))
    assert (result["userinfo"]["aud"], result["userinfo"]["email_verified"]) == (made["client_id"], True)


@pytest.mark.parametrize(("alg", "enc"), PAIRS)
def test_encrypted_id_token_and_userinfo_are_read(
    node: Node, registered: Register, user: Visit, alg: str, enc: str
) -> None:
    made = registered(userinfo_signed_response_alg="RS256", **encrypted(alg, enc, "id_token", "userinfo"))
    result = node.run("authorization_code", user, **reading(made, alg, enc))
    assert result["claims"]["aud"] == result["userinfo"]["aud"] == made["client_id"]
    assert result["userinfo"]["sub"] == result["claims"]["sub"]
    assert len(result["tokens"]["id_token"].split(".")) == 5  # a JWE (RFC 7516 §7.1)


def test_another_key_reads_nothing(node: Node, registered: Register, user: Visit) -> None:
    made = registered(**encrypted("ECDH-ES", "A256GCM", "id_token"))
    known = reading(made, "ECDH-ES", "A256GCM")
    known["decrypt"]["key"] = dict(ECKey.generate_key("P-256", {"kid": KEYS["ECDH-ES"].kid}).as_dict(private=True))
    known["decrypt"]["key"]["alg"] = "ECDH-ES"
    with pytest.raises(ForeignError) as refused:
        node.run("authorization_code", user, **known)
    assert "decrypt" in refused.value.messages.lower()


def test_pairwise_subject_is_the_same_everywhere(node: Node, registered: Register, user: Visit) -> None:
    made = registered(subject_type="pairwise")
    result = node.run("authorization_code", user, **asking(made, redirect_uri=CALLBACK, scope=SCOPE))
    assert result["claims"]["sub"] == result["userinfo"]["sub"] == result["introspection"]["sub"]
    public = node.run("authorization_code", user, **asking(registered(), redirect_uri=CALLBACK, scope=SCOPE))
    assert public["claims"]["sub"] != result["claims"]["sub"]

"""Userinfo as a client registered for it: JSON, signed, encrypted, or both (OpenID Connect Core §5.3.2)."""

import json
from uuid import uuid4

import pytest
from joserfc import jwe, jws, jwt
from joserfc.jwk import ECKey

from tessera_shared import clock
from tessera_shared.jose.encryption import direct_recipient
from tessera_shared.secret_sealer import SecretSealer

pytestmark = pytest.mark.integration

URL = "/oidc/v1/userinfo"
KEY = ECKey.generate_key("P-256", {"use": "enc"}, auto_kid=True)
JWKS = {"keys": [KEY.as_dict(private=False)]}
ENCRYPTED = {
    "userinfo_encrypted_response_alg": "ECDH-ES+A256KW",
    "userinfo_encrypted_response_enc": "A256GCM",
    "jwks": JWKS,
}
SIGNED = {"userinfo_signed_response_alg": "RS256"}


@pytest.fixture
async def tell(idp, browser):
    """Registers a client, and asks as it about a user; the response, the client and the user."""

    async def ask(**metadata):
        client_id = await idp.add_client(redirect_uris=["https://a.example/cb"], scope="openid profile", **metadata)
        sub = await idp.add_user(name="Ada")
        token = idp.access_token(sub, client_id=client_id, scope="openid profile")
        response = await browser.get(URL, headers={"authorization": f"Bearer {token}"})
        return response, client_id, sub

    return ask


def verified(idp, token, alg="RS256"):
    """Header and claims of what the issuer signed."""
    kid = jws.extract_compact(token.encode()).headers()["kid"]
    key = idp.ring.verification_keys(clock.now())[kid]
    found = jwt.decode(token, key.key, algorithms=[alg])
    return found.header, found.claims


def decrypted(content, key=KEY, algorithms=("ECDH-ES+A256KW", "A256GCM")):
    found = jwe.decrypt_compact(content, key, algorithms=list(algorithms))
    return found.protected, found.plaintext.decode()


async def test_without_any_setting_it_is_json(tell):
    response, _client_id, sub = await tell()
    assert response.headers["content-type"] == "application/json"
    assert response.json()["sub"] == sub
    assert not {"iss", "aud"} & response.json().keys()


async def test_signed_it_is_a_jwt_of_the_issuer_for_this_client(idp, tell):
    response, client_id, sub = await tell(**SIGNED)
    assert (response.headers["content-type"], response.headers["cache-control"]) == ("application/jwt", "no-store")
    header, claims = verified(idp, response.text)
    assert (header["alg"], header["typ"]) == ("RS256", "JWT")
    assert (claims["iss"], claims["aud"], claims["sub"], claims["name"]) == (idp.config.issuer, client_id, sub, "Ada")


async def test_the_registered_algorithm_signs(idp, tell):
    response, _client_id, _sub = await tell(userinfo_signed_response_alg="ES256")
    assert verified(idp, response.text, "ES256")[0]["alg"] == "ES256"


async def test_signed_userinfo_does_not_pass_for_an_id_token(idp, browser, tell):
    response, _client_id, _sub = await tell(**SIGNED)
    assert not {"exp", "iat"} & verified(idp, response.text)[1].keys()
    page = await browser.get("/oidc/v1/logout", params={"id_token_hint": response.text})
    assert page.status_code == 200


async def test_signed_and_encrypted_it_is_a_nested_jwt(idp, tell):
    response, client_id, _sub = await tell(**SIGNED, **ENCRYPTED)
    assert response.headers["content-type"] == "application/jwt"
    header, content = decrypted(response.text)
    assert (header["cty"], header["kid"]) == ("JWT", KEY.kid)
    assert verified(idp, content)[1]["aud"] == client_id


async def test_encrypted_alone_it_holds_the_claims_themselves(tell):
    response, _client_id, sub = await tell(**ENCRYPTED)
    assert response.headers["content-type"] == "application/jwt"
    header, content = decrypted(response.text)
    assert "cty" not in header
    assert json.loads(content)["sub"] == sub


async def test_enc_is_the_default_of_the_specification_where_only_alg_is_stored(tell):
    metadata = {name: value for name, value in ENCRYPTED.items() if not name.endswith("_enc")}
    response, _client_id, _sub = await tell(**metadata)
    assert decrypted(response.text, algorithms=("ECDH-ES+A256KW", "A128CBC-HS256"))[0]["enc"] == "A128CBC-HS256"


async def test_dir_is_by_the_newest_valid_secret_of_the_client(idp, browser):
    client_id = await idp.add_client(
        redirect_uris=["https://a.example/cb"],
        scope="openid",
        userinfo_encrypted_response_alg="dir",
        userinfo_encrypted_response_enc="A256GCM",
    )
    sealer = SecretSealer(idp.master_key)
    for secret, created, expires in (("old", -2, None), ("newest", -1, None), ("ended", 0, -1)):
        await idp.authz.execute(
            "INSERT INTO authz.client_secrets (id, client_id, hash, sealed, created_at, expires_at)"
            " VALUES ($1, $2, '', $3, now() + $4 * interval '1 hour', now() + $5 * interval '1 hour')",
            uuid4(), client_id, sealer.seal(client_id, secret), created, expires,
        )  # fmt: skip
    token = idp.access_token(await idp.add_user(), client_id=client_id)
    response = await browser.get(URL, headers={"authorization": f"Bearer {token}"})
    key = direct_recipient(b"newest", "A256GCM").key
    assert decrypted(response.text, key, ("dir", "A256GCM"))[0]["alg"] == "dir"


@pytest.mark.parametrize(
    "metadata",
    [
        {**ENCRYPTED, "jwks": {"keys": [{**JWKS["keys"][0], "use": "sig"}]}},
        {**ENCRYPTED, "jwks": None, "jwks_uri": "https://127.0.0.1/keys"},
        {"userinfo_encrypted_response_alg": "dir"},
    ],
    ids=["no key for encryption", "keys that may not be fetched", "no secret"],
)
async def test_where_no_key_can_be_had_nothing_is_told(tell, metadata):
    response, _client_id, _sub = await tell(**metadata)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert "Ada" not in response.text


async def test_claims_asked_for_by_name_are_told_without_their_scope(idp, browser):
    client_id = await idp.add_client(redirect_uris=["https://a.example/cb"], scope="openid email")
    who = (await idp.log_in(browser, await idp.add_user(email="ada@a.example", name="Ada"))).authentication
    grant_id = await idp.add_grant(client_id, who.sub, who.sid)
    wish = {"essential": True, "values": []}
    asked = {"id_token": {}, "userinfo": {"email": wish, "name": wish}}
    await idp.authz.execute("UPDATE authz.grants SET claims = $2 WHERE id = $1", grant_id, json.dumps(asked))
    token = idp.access_token(who.sub, client_id=client_id, grant_id=grant_id)
    told = (await browser.get(URL, headers={"authorization": f"Bearer {token}"})).json()
    assert told == {"sub": who.sub, "email": "ada@a.example"}  # the client may not have the scope profile

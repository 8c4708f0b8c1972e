"""PyPI authlib: its OAuth 2 client and its ID token validation."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import httpx2
import pytest
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2 import rfc8414, rfc9207
from authlib.oauth2.rfc6749.errors import MismatchingStateException
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from authlib.oidc.core import CodeIDToken, UserInfo
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidClaimError
from joserfc.jwk import KeySet

from e2e.clients import DEMO, EVERY_SCOPE, PUBLIC, SERVICE, Client
from e2e.conftest import PartyOf
from e2e.interop.conftest import Register
from e2e.interop.node import Visit
from e2e.interop.scenario import KEYS, public
from e2e.stack import Stack

Made = Callable[..., OAuth2Client]


@pytest.fixture
def metadata(stack: Stack, http: httpx.Client) -> dict[str, Any]:
    """What the server tells of itself."""
    return dict(http.get(f"{stack.issuer}/.well-known/openid-configuration").json())


@pytest.fixture
def made(
    metadata: dict[str, Any], add_request_id: Callable[[httpx.Request], None], party_of: PartyOf
) -> Iterator[Made]:
    """Makes authlib's client for a registered one."""
    opened: list[OAuth2Client] = []

    def make(client: Client, **settings: Any) -> OAuth2Client:
        known = party_of(client).client
        opened.append(
            OAuth2Client(
                known.client_id,
                known.secret,
                token_endpoint_auth_method=known.method,
                revocation_endpoint_auth_method=known.method,
                redirect_uri=known.redirect_uri,
                scope=known.scope,
                token_endpoint=metadata["token_endpoint"],
                code_challenge_method="S256",
                trust_env=False,
                event_hooks={"request": [add_request_id]},
                **settings,
            )
        )
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def get_token(client: OAuth2Client, metadata: dict[str, Any], user: Visit, **parameters: str) -> dict[str, Any]:
    """The token answer of a user's whole way."""
    verifier = generate_token(48)
    url, state = client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, **parameters
    )
    arrived = user(url).url
    return dict(client.fetch_token(authorization_response=arrived, state=state, code_verifier=verifier))


def validated(token: dict[str, Any], metadata: dict[str, Any], client: Client, nonce: str) -> CodeIDToken:
    """The ID token's claims, validated as authlib does it."""
    keys = KeySet.import_key_set(httpx2.get(metadata["jwks_uri"], trust_env=False).json())
    found = jwt.decode(token["id_token"], keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    options = {"iss": {"essential": True, "value": metadata["issuer"]}, "aud": {"value": client.client_id}}
    parameters = {"nonce": nonce, "client_id": client.client_id, "access_token": token["access_token"]}
    claims = CodeIDToken(found.claims, found.header, options=options, params=parameters)
    claims.validate()
    return claims


def test_metadata_is_valid(metadata: dict[str, Any], stack: Stack) -> None:
    if stack.issuer.startswith("https://"):
        OpenIDProviderMetadata(metadata).validate()
    else:  # authlib wants https, which only the addresses lack here
        secure = {name: _with_https(value) for name, value in metadata.items()}
        OpenIDProviderMetadata(secure).validate()
        rfc8414.AuthorizationServerMetadata(secure).validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])


def _with_https(value: Any) -> Any:
    return value.replace("http://", "https://", 1) if isinstance(value, str) else value


@pytest.mark.parametrize("client", [DEMO, EVERY_SCOPE, PUBLIC], ids=lambda client: client.method)
def test_code_with_pkce_and_valid_id_token(made: Made, metadata: dict[str, Any], user: Visit, client: Client) -> None:
    session = made(client)
    token = get_token(session, metadata, user, nonce="n-1", prompt="consent")
    claims = validated(token, metadata, client, "n-1")
    userinfo = UserInfo(session.get(metadata["userinfo_endpoint"]).json())
    assert userinfo["sub"] == claims["sub"]
    assert set(userinfo) == set(userinfo.filter(client.scope))


def test_refresh_and_revocation(made: Made, metadata: dict[str, Any], user: Visit) -> None:
    session = made(DEMO)
    first = get_token(session, metadata, user)
    second = session.refresh_token()
    assert second["refresh_token"] != first["refresh_token"]
    introspection = metadata["introspection_endpoint"]
    assert session.introspect_token(introspection, second["access_token"]).json()["active"] is True
    revoked = session.revoke_token(
        metadata["revocation_endpoint"], second["refresh_token"], token_type_hint="refresh_token"
    )
    assert revoked.status_code == 200
    assert session.introspect_token(introspection, second["access_token"]).json() == {"active": False}
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token()


def test_client_credentials(made: Made, stack: Stack) -> None:
    session = made(SERVICE, grant_type="client_credentials")
    token = session.fetch_token(scope="profile")
    assert token["token_type"] == "Bearer"
    assert session.get(f"{stack.rs}/resource/profile").json()["sub"] == f"client:{SERVICE.client_id}"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_private_key_jwt(registered: Register, metadata: dict[str, Any], party_of: PartyOf, algorithm: str) -> None:
    client = registered(token_endpoint_auth_method="private_key_jwt", jwks=public(algorithm))
    with OAuth2Client(
        client["client_id"], KEYS[algorithm], token_endpoint_auth_method="private_key_jwt", trust_env=False
    ) as session:
        session.register_client_auth_method(PrivateKeyJWT(metadata["issuer"], alg=algorithm))
        token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials", scope="profile")
    assert party_of(DEMO).resource(token["access_token"]).json()["client_id"] == client["client_id"]


def test_client_secret_jwt_to_revocation(registered: Register, metadata: dict[str, Any]) -> None:
    client = registered(token_endpoint_auth_method="client_secret_jwt")
    method = "client_secret_jwt"
    with OAuth2Client(
        client["client_id"],
        client["client_secret"],
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        trust_env=False,
    ) as session:
        session.register_client_auth_method(ClientSecretJWT(metadata["issuer"]))
        token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials", scope="profile")
        introspection = metadata["introspection_endpoint"]
        assert session.introspect_token(introspection, token["access_token"]).json()["active"] is True
        session.revoke_token(metadata["revocation_endpoint"], token["access_token"])
        assert session.introspect_token(introspection, token["access_token"]).json() == {"active": False}


def test_wrong_secret_is_understood_as_invalid_client(made: Made) -> None:
    session = made(SERVICE, grant_type="client_credentials")
    session.client_secret = "wrong"
    with pytest.raises(OAuthError, match="invalid_client"):
        session.fetch_token()


def test_changed_state_is_refused_by_the_client(made: Made, metadata: dict[str, Any], user: Visit) -> None:
    session = made(DEMO)
    url, _ = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=generate_token(48))
    with pytest.raises(MismatchingStateException):
        session.fetch_token(authorization_response=user(url).url, state="another")


def test_id_token_of_another_request_is_refused_by_the_client(
    made: Made, metadata: dict[str, Any], user: Visit
) -> None:
    token = get_token(made(DEMO), metadata, user, nonce="n-1")
    with pytest.raises(InvalidClaimError, match="nonce"):
        validated(token, metadata, DEMO, "n-2")


def test_tampered_id_token_is_refused_by_the_client(made: Made, metadata: dict[str, Any], user: Visit) -> None:
    token = get_token(made(DEMO), metadata, user)
    head, payload, signature = token["id_token"].split(".")
    other = get_token(made(DEMO), metadata, user)["id_token"].split(".")[1]
    assert other != payload
    with pytest.raises(BadSignatureError):
        validated(token | {"id_token": f"{head}.{other}.{signature}"}, metadata, DEMO, "")

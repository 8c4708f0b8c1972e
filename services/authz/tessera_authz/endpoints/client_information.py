"""What registration and management endpoints share: the client information response, and its token."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from tessera_authz.client_registry import unknown_token
from tessera_authz.protocol.client_metadata import SECRET_METHODS, Supported
from tessera_authz.store.registration import StoredClient
from tessera_shared.clock import seconds
from tessera_shared.fetch import Fetcher
from tessera_shared.http import bearer
from tessera_shared.http.headers import NO_STORE

REGISTER_PATH = "/oauth2/v1/register"


class ClientMetadata(TypedDict, total=False):
    """RFC 7591 §2, OpenID Connect Registration §2, and Tessera's settings; further members are ignored."""

    redirect_uris: list[str]
    token_endpoint_auth_method: str
    grant_types: list[str]
    response_types: list[str]
    client_name: str
    client_uri: str
    logo_uri: str
    scope: str
    contacts: list[str]
    tos_uri: str
    policy_uri: str
    jwks_uri: str
    jwks: dict[str, Any]
    software_id: str
    software_version: str
    application_type: str
    post_logout_redirect_uris: list[str]
    backchannel_logout_uri: str
    backchannel_logout_session_required: bool
    frontchannel_logout_uri: str
    frontchannel_logout_session_required: bool
    initiate_login_uri: str
    subject_type: str
    sector_identifier_uri: str
    token_endpoint_auth_signing_alg: str
    request_object_signing_alg: str
    authorization_signed_response_alg: str
    id_token_signed_response_alg: str
    id_token_encrypted_response_alg: str
    id_token_encrypted_response_enc: str
    userinfo_signed_response_alg: str
    userinfo_encrypted_response_alg: str
    userinfo_encrypted_response_enc: str
    default_max_age: int
    require_auth_time: bool
    default_acr_values: list[str]
    require_acr: str
    profile: str
    require_pkce: bool
    require_pushed_authorization_requests: bool
    require_signed_request_object: bool
    dpop_bound_access_tokens: bool
    tls_client_certificate_bound_access_tokens: bool


class ClientInformation(ClientMetadata):
    """RFC 7591 §3.2.1, RFC 7592 §3: all metadata as stored, and what the client needs to go on."""

    client_id: str
    client_id_issued_at: int
    client_secret: NotRequired[str]
    client_secret_expires_at: NotRequired[int]
    registration_access_token: str
    registration_client_uri: str


@dataclass(frozen=True, slots=True)
class Served:
    """What the endpoints check metadata against, and where they are."""

    issuer: str
    supported: Supported
    max_metadata_bytes: int
    fetcher: Fetcher


@dataclass(frozen=True, slots=True)
class SecretShown:
    """The secret as an answer tells it; None where it was made before: only its hash is kept."""

    value: str | None
    expires_at: datetime | None


def information(
    served: Served, client: StoredClient, registration_token: str, secret: SecretShown | None, status: int = 200
) -> Response:
    """The client information response."""
    content: dict[str, Any] = {
        "client_id": client.client_id,
        "client_id_issued_at": seconds(client.created_at),
        **client.metadata,
        "registration_access_token": registration_token,
        "registration_client_uri": f"{served.issuer}{REGISTER_PATH}/{quote(client.client_id, safe='')}",
    }
    if secret is not None and client.metadata["token_endpoint_auth_method"] in SECRET_METHODS:
        content["client_secret_expires_at"] = told_end(secret.expires_at)
        if secret.value is not None:
            content["client_secret"] = secret.value
    return JSONResponse(content, status, NO_STORE)


def told_end(expires_at: datetime | None) -> int:
    """RFC 7591 §3.2.1: seconds since the epoch, 0 for no end."""
    return 0 if expires_at is None else seconds(expires_at)


def registration_token(request: Request) -> str:
    """The registration access token of the Authorization header (RFC 7592 §2).

    Raises:
        OAuthError: 401.

    """
    token = bearer.from_header(request)
    if token is None:
        raise unknown_token("the client's registration access token")
    return token

"""Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document): a client_id that is the address of them.

Whoever wrote the document did not write it for this server: scopes, grant types and levels of login that are not
served are left out, and a document that names no scope may have any that is open.
"""

from collections.abc import Collection, Mapping
from typing import Any

from tessera_authz.protocol import client_metadata
from tessera_authz.protocol.client_metadata import Supported
from tessera_authz.protocol.registered_uri import host_of, web_problem
from tessera_authz.protocol.registration_policy import Bounds
from tessera_shared import scope as scopes
from tessera_shared.claims import ACR_VALUES
from tessera_shared.errors import OAuthError

_SECRETS = ("client_secret", "client_secret_expires_at")


def is_document_id(client_id: str, fetched_by_http: Collection[str]) -> bool:
    """Whether a client_id is the address of a document: https, a path, and nothing that could be read in two ways.

    Args:
        client_id: Of the request.
        fetched_by_http: Hosts of which documents may be fetched by http.

    """
    scheme, _, rest = client_id.partition("://")
    if scheme not in ("https", "http") or web_problem(f"https://{rest}") is not None or "/" not in rest:
        return False
    return scheme == "https" or host_of(client_id) in fetched_by_http


def read(document: Mapping[str, Any], client_id: str, bounds: Bounds, supported: Supported) -> dict[str, Any]:
    """The metadata to store.

    Args:
        document: What was fetched from the client_id.
        client_id: The address.
        bounds: How far clients with a document may go.
        supported: What the server serves, without methods that need a secret: nobody shares one.

    Raises:
        OAuthError: invalid_client_metadata, invalid_redirect_uri.

    """
    if document.get("client_id") != client_id:
        raise _refused("The metadata document names another client_id.", "the address of the document")
    if any(name in document for name in _SECRETS):
        raise _refused("The metadata document holds a secret.", "none of " + ", ".join(_SECRETS))
    return client_metadata.check(_served(document, bounds), bounds, supported)


def _served(document: Mapping[str, Any], bounds: Bounds) -> dict[str, Any]:
    # sector_identifier_uri is a second document to fetch: the sector is that of the redirect URIs here
    left_out = {"sector_identifier_uri", *client_metadata.NOT_SERVED}
    served = {name: value for name, value in document.items() if name not in left_out}
    if isinstance(grant_types := document.get("grant_types"), list):
        served["grant_types"] = [name for name in grant_types if name in bounds.grant_types]
    if isinstance(levels := document.get("default_acr_values"), list):
        served["default_acr_values"] = [acr for acr in levels if acr in ACR_VALUES]
    scope = document.get("scope") or scopes.format_scope(bounds.scope)
    if isinstance(scope, str):
        served["scope"] = scopes.format_scope(tuple(token for token in scope.split() if token in bounds.scope))
    return served


def _refused(description: str, expected: str) -> OAuthError:
    return OAuthError(
        "invalid_client_metadata",
        description,
        section="draft-ietf-oauth-client-id-metadata-document §4",
        expected=expected,
        received="something else",
    )

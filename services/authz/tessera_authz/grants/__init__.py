"""Grant types: the registry from which requests are served and metadata is made."""

from typing import Any

from tessera_authz.grants import authorization_code, client_credentials, refresh_token
from tessera_authz.grants.grant import GrantType

GRANTS: dict[str, GrantType[Any, Any]] = {
    grant.grant_type: grant for grant in (authorization_code.GRANT, refresh_token.GRANT, client_credentials.GRANT)
}

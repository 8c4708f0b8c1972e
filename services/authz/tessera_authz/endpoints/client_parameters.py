"""The parameters by which clients authenticate, for the declarations of the endpoints that they call themselves."""

from tessera_authz.protocol.client_assertion import ASSERTION_TYPE
from tessera_shared.http.openapi import OAuthErrorBody, Parameter, Reply, Security

CLIENT_PARAMETERS = (
    Parameter("client_id", "client_secret_post, tls_client_auth, self_signed_tls_client_auth, none: the client"),
    Parameter("client_secret", "client_secret_post: the secret"),
    Parameter("client_assertion", "private_key_jwt, client_secret_jwt: the JWT (RFC 7523)"),
    Parameter("client_assertion_type", "private_key_jwt, client_secret_jwt: says so", values=(ASSERTION_TYPE,)),
)
DPOP_PARAMETER = Parameter(
    "DPoP", "A proof of possession, which binds the tokens to its key (RFC 9449)", where="header"
)
CLIENT_SECURITY: tuple[Security, ...] = ("client_basic", "client_post", "client_jwt", "client_tls")
TOO_MANY = Reply(429, "Too many, from here or of this client", OAuthErrorBody, headers=("Retry-After",))

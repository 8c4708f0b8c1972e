"""What to try next: commands with the demo client's real values."""

from stack.ports import Ports

__all__ = ["guide"]

CLIENT = "demo-client:demo-secret"
REDIRECT_URI = "http://localhost:3000/callback"

TEXT = """
Tessera is up. What to try next:

  # 1. Is it healthy, and what can it do?
  curl -s {authz}/health
  curl -s {authz}/.well-known/oauth-authorization-server

  # 2. A token for the client itself
  TOKEN=$(curl -s -u {client} -d grant_type=client_credentials -d scope=profile {authz}/oauth2/v1/token |
    sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/'); echo "$TOKEN"

  # 3. What the issuer says about it, and what it opens
  curl -s -u {client} -d token="$TOKEN" {authz}/oauth2/v1/introspect
  curl -s -H "Authorization: Bearer $TOKEN" {rs}/resource

  # 4. Revoke it: the resource server now answers 401
  curl -s -i -u {client} -d token="$TOKEN" {authz}/oauth2/v1/revoke
  curl -s -i -H "Authorization: Bearer $TOKEN" {rs}/resource

  # 5. As a user, with PKCE: open the printed address, log in as alice / wonderland-42 and allow the access
  VERIFIER=$(openssl rand -base64 48 | tr -d '=\\n' | tr '+/' '-_')
  CHALLENGE=$(printf %s "$VERIFIER" | openssl dgst -sha256 -binary | openssl base64 -A | tr -d '=' | tr '+/' '-_')
  echo "{authz}/oauth2/v1/authorize?response_type=code&client_id=demo-client&redirect_uri={redirect_uri}\
&scope=openid+profile+email&state=$(openssl rand -hex 16)&code_challenge=$CHALLENGE&code_challenge_method=S256"

  # 6. The browser ends at {redirect_uri}?code=…  (nothing needs to answer there): trade the code
  curl -s -u {client} -d grant_type=authorization_code -d redirect_uri={redirect_uri} \\
    -d code_verifier="$VERIFIER" -d code=PASTE_THE_CODE {authz}/oauth2/v1/token

  # 7. By TLS with a client certificate (`make certs` puts it there): the token works with this certificate only
  curl -s --cacert .tessera/certificates/ca.pem --cert .tessera/certificates/demo-tls-client.pem \\
    --key .tessera/certificates/demo-tls-client.key -d client_id=demo-tls-client \\
    -d grant_type=client_credentials {authz_tls}/oauth2/v1/token

Every mail that Tessera sends: {mail}
API pages: {authz}/ui/swagger  {idp}/ui/swagger  {rs}/ui/swagger
"""


def guide(ports: Ports) -> str:
    """The text for a stack on these ports."""
    return TEXT.format(
        authz=ports.url("authz"),
        idp=ports.url("idp"),
        rs=ports.url("rs"),
        authz_tls=ports.tls_url("authz"),
        mail=ports.url("mail"),
        client=CLIENT,
        redirect_uri=REDIRECT_URI,
    )

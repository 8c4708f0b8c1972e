"""The URL of a request as its client sees it: made of the configuration, never of what the request says of its host."""

from dataclasses import dataclass

from starlette.types import Scope

from tessera_shared.config import Tls
from tessera_shared.http.headers import is_on_tls_port


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """Where clients find a service: by its plain port, be it behind a proxy, and by its own TLS port (RFC 8705 §5)."""

    plain: str
    tls: Tls | None = None

    def of(self, scope: Scope) -> str:
        """The URL that this request was sent to, without its query."""
        return self.base(scope) + str(scope["path"])

    def base(self, scope: Scope) -> str:
        """The public URL of the port that this request came to."""
        return self.tls.public_url if self.tls is not None and is_on_tls_port(scope) else self.plain

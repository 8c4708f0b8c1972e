"""The TLS port of a service, from its configuration: opened at start, its settings renewed in the background."""

from tessera_shared.config import Tls
from tessera_shared.db import Database
from tessera_shared.http.server import TlsPort, open_port
from tessera_shared.launch import Background
from tessera_shared.mutual_tls.anchors import Anchors
from tessera_shared.mutual_tls.client_trust import ClientTrust


async def open_tls_port(
    config: Tls | None, anchors: Anchors, database: Database, background: Background
) -> TlsPort | None:
    """Open the port; None where the configuration has none.

    Args:
        config: The section `tls`.
        anchors: Authorities whose client certificates are accepted.
        database: Holds the certificates that clients registered.
        background: Takes the renewal of the settings.

    Raises:
        StartupError: The port cannot be bound, or the server's certificate or key cannot be used.
        Unavailable: The database does not answer.

    """
    if config is None:
        return None
    trust = ClientTrust(config, anchors, database)
    live = await trust.open()
    port = TlsPort(open_port(config), live)
    background.start("client certificates", lambda: trust.follow(live))
    return port

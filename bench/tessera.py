"""Tessera as the embedded stack runs it, one worker per service, with the log as production writes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import machine, traffic
from bench.browser import Application, refresh_token
from bench.contender import CLIENT_CREDENTIALS, INTROSPECTION, REDIRECT_URI, REFRESH, SCOPE, Contender
from bench.load import Script, run
from bench.start_up import seconds_until
from stack.embedded import EmbeddedStack
from stack.embedded_environment import SERVICES
from stack.ports import Ports
from stack.process import Process

__all__ = ["PATHS", "contender", "introspection_scripts", "jwts", "resource_scripts", "started", "target"]

PATHS = {"token": "/oauth2/v1/token", "introspect": "/oauth2/v1/introspect", "resource": "/resource"}
CLIENT_ID, CLIENT_SECRET = "demo-client", "demo-secret"
USER = {"username": "alice", "password": "wonderland-42"}


@contextmanager
def started(folder: Path) -> Iterator[EmbeddedStack]:
    """Run the whole stack in `folder` on the servers' core."""
    as_in_production = {
        name: {f"TESSERA_{name.upper()}_LOG__LEVEL": "warning", f"TESSERA_{name.upper()}_LOG__FORMAT": "json"}
        for name in SERVICES
    }
    stack = EmbeddedStack(folder, ports=Ports.free(), env=as_in_production)
    with machine.on(machine.server_core()):
        stack.up()
    try:
        yield stack
    finally:
        stack.down()


def contender(stack: EmbeddedStack, connections: int, tokens: int) -> Contender:
    """The authorization server of a running stack.

    Args:
        stack: The stack.
        connections: How many scripts each workload gets.
        tokens: How many access tokens are introspected in turn.

    """
    authz = stack.processes["authz"]

    def restart() -> float:
        stack.stop("authz")
        with machine.on(machine.server_core()):
            return seconds_until(authz, f"{stack.authz_url}/health")

    def prepare() -> dict[str, list[Script]]:
        application = _application(stack)
        logins = [refresh_token(application) for _ in range(connections)]
        known = [_introspection(stack, token) for token in jwts(stack, tokens)]
        return {
            CLIENT_CREDENTIALS: [traffic.repeating([_client_credentials(stack)]) for _ in range(connections)],
            INTROSPECTION: [traffic.repeating(known) for _ in range(connections)],
            REFRESH: [traffic.refreshing(target(stack), PATHS["token"], token) for token in logins],
        }

    return Contender(
        name="Tessera",
        address=target(stack).address,
        service=lambda: _pid(authz),
        everything=lambda: [_pid(stack.processes[name]) for name in ("authz", "postgres", "redis")],
        prepare=prepare,
        restart=restart,
    )


def target(stack: EmbeddedStack) -> traffic.Target:
    """Where the token requests go, and who sends them."""
    return traffic.Target(stack.ports.authz, CLIENT_ID, CLIENT_SECRET)


def jwts(stack: EmbeddedStack, count: int) -> list[str]:
    """So many access tokens of client_credentials, each another one."""
    answers: list[bytes] = []
    request = _client_credentials(stack)
    while len(answers) < count:
        run(target(stack).address, [traffic.repeating([request], answers) for _ in range(8)], 0.1)
    return traffic.access_tokens(answers[:count])


def resource_scripts(stack: EmbeddedStack, tokens: list[str], connections: int, *, once: bool) -> list[Script]:
    """Requests to the resource server with these tokens: in turn by each connection, or each token once."""
    requests = [traffic.get(stack.ports.rs, PATHS["resource"], token) for token in tokens]
    return (
        traffic.once_each(requests, connections) if once else [traffic.repeating(requests) for _ in range(connections)]
    )


def introspection_scripts(stack: EmbeddedStack, tokens: list[str], connections: int) -> list[Script]:
    """Introspection of these tokens, each once."""
    return traffic.once_each([_introspection(stack, token) for token in tokens], connections)


def _client_credentials(stack: EmbeddedStack) -> bytes:
    return traffic.post(target(stack), PATHS["token"], {"grant_type": "client_credentials", "scope": SCOPE})


def _introspection(stack: EmbeddedStack, token: str) -> bytes:
    return traffic.post(target(stack), PATHS["introspect"], {"token": token})


def _application(stack: EmbeddedStack) -> Application:
    return Application(
        authorization_endpoint=f"{stack.authz_url}/oauth2/v1/authorize",
        token_endpoint=stack.authz_url + PATHS["token"],
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uri=REDIRECT_URI,
        parameters={"scope": SCOPE},
        typed=USER,
    )


def _pid(process: Process) -> int:
    return process.pid or 0

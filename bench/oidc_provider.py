"""npm oidc-provider with its in-memory adapter: installed from the lock file, started by node, made ready for load."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import machine, traffic
from bench.browser import Application, refresh_token
from bench.contender import CLIENT_CREDENTIALS, INTROSPECTION, REDIRECT_URI, REFRESH, SCOPE, Contender
from bench.load import LoadError, Script, run
from bench.start_up import seconds_until
from stack.ports import free_port
from stack.process import Process
from tessera_shared.jose.algorithms import generate

__all__ = ["install", "started", "version"]

FOLDER = Path(__file__).parent / "oidc-provider"
CLIENT_ID, CLIENT_SECRET = "bench-client", "bench-secret"
RESOURCE = "urn:tessera:bench"


def install() -> None:
    """Install what the lock file names, unless it is there.

    Raises:
        LoadError: Says what is missing or what npm said.

    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise LoadError(f"{program} is not installed here; --alone measures Tessera without oidc-provider")
    installed = FOLDER / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime > (FOLDER / "package-lock.json").stat().st_mtime:
        return
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LoadError(f"npm ci failed in {FOLDER}: {done.stderr.strip()[-500:]}")


def version() -> str:
    """The locked version, and node's."""
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"oidc-provider {package['dependencies']['oidc-provider']} on Node.js {node}"


@contextmanager
def started(folder: Path, connections: int, tokens: int) -> Iterator[Contender]:
    """Run it in `folder` on the servers' core.

    Args:
        folder: For its keys and its log.
        connections: How many scripts each workload gets.
        tokens: How many access tokens are introspected in turn.

    """
    port = free_port()
    process = Process(
        "oidc-provider",
        ["node", "server.mjs"],
        log=folder / "oidc-provider.log",
        environment=_environment(port, folder),
        cwd=FOLDER,
    )
    with machine.on(machine.server_core()):
        seconds_until(process, _discovery(port))
    try:
        yield _contender(process, port, connections, tokens)
    finally:
        process.stop()


def _environment(port: int, folder: Path) -> dict[str, str]:
    keys = [generate(alg).as_dict(private=True) for alg in ("RS256", "ES256")]
    jwks = folder / "oidc-provider.jwks.json"
    jwks.touch(mode=0o600)
    jwks.write_text(json.dumps({"keys": keys}), encoding="ascii")
    return {
        **os.environ,
        "NODE_ENV": "production",
        "ISSUER": f"http://localhost:{port}",
        "PORT": str(port),
        "JWKS_FILE": str(jwks),
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": CLIENT_SECRET,
        "REDIRECT_URI": REDIRECT_URI,
        "RESOURCE": RESOURCE,
    }


def _discovery(port: int) -> str:
    return f"http://127.0.0.1:{port}/.well-known/openid-configuration"


def _contender(process: Process, port: int, connections: int, tokens: int) -> Contender:
    target = traffic.Target(port, CLIENT_ID, CLIENT_SECRET)

    def restart() -> float:
        process.stop()
        with machine.on(machine.server_core()):
            return seconds_until(process, _discovery(port))

    def prepare() -> dict[str, list[Script]]:
        application = _application(port)
        logins = [refresh_token(application) for _ in range(connections)]
        return {
            CLIENT_CREDENTIALS: [traffic.repeating([_client_credentials(target)]) for _ in range(connections)],
            INTROSPECTION: _introspecting(target, connections, tokens),
            REFRESH: [traffic.refreshing(target, "/token", token) for token in logins],
        }

    return Contender(
        name="oidc-provider",
        address=target.address,
        service=lambda: process.pid or 0,
        everything=lambda: [process.pid or 0],
        prepare=prepare,
        restart=restart,
    )


def _client_credentials(target: traffic.Target) -> bytes:
    """For a resource, whose access tokens are ES256 JWTs."""
    asked = {"grant_type": "client_credentials", "scope": SCOPE, "resource": RESOURCE}
    return traffic.post(target, "/token", asked)


def _introspecting(target: traffic.Target, connections: int, tokens: int) -> list[Script]:
    """Opaque tokens: it refuses to introspect JWTs, so these are the only ones it can be asked about."""
    answers: list[bytes] = []
    opaque = traffic.post(target, "/token", {"grant_type": "client_credentials", "scope": SCOPE})
    while len(answers) < tokens:
        run(target.address, [traffic.repeating([opaque], answers)], 0.05)
    asked = [
        traffic.post(target, "/token/introspection", {"token": token})
        for token in traffic.access_tokens(answers[:tokens])
    ]
    return [traffic.repeating(asked) for _ in range(connections)]


def _application(port: int) -> Application:
    return Application(
        authorization_endpoint=f"http://localhost:{port}/auth",
        token_endpoint=f"http://localhost:{port}/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uri=REDIRECT_URI,
        parameters={"scope": SCOPE, "resource": RESOURCE},
        typed={"login": "alice", "password": "any"},
    )

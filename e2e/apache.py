"""Apache with Debian's libapache2-mod-auth-openidc in front of a page: in a container, or the machine's own."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from e2e.guide import EXAMPLE_API, example
from e2e.stack import OTHER_RESOURCE
from stack.ports import free_port

PORT = free_port()
"""The stack is told of it before the server runs."""
URL = f"http://localhost:{PORT}"
PROTECTED = f"{URL}/protected/"
REDIRECT_URI = f"{PROTECTED}redirect_uri"
AFTER = f"{URL}/after.html"

_MODULES = Path("/usr/lib/apache2/modules")
_IMAGE = f"tessera-e2e-apache-{PORT}"
_DOCKERFILE = """
FROM debian:trixie-slim
RUN apt-get update -qq \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends apache2 libapache2-mod-auth-openidc \\
    >/dev/null \\
 && rm -rf /var/lib/apt/lists/*
"""
_CONFIG = """
ServerName localhost
Listen {listen}:{port}
PidFile {folder}/apache.pid
ErrorLog /dev/stderr
LogLevel warn
User www-data
Group www-data
DocumentRoot {folder}/www
{modules}
<Directory {folder}/www>
    Require all granted
    DirectoryIndex index.html
</Directory>
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCRedirectURI {redirect_uri}
OIDCCryptoPassphrase {client_secret}
OIDCScope "openid profile"
OIDCPKCEMethod S256
OIDCRemoteUserClaim sub
<Location /protected/>
    AuthType openid-connect
    Require valid-user
    Header set X-User expr=%{{REMOTE_USER}}
</Location>
"""
_LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "headers", "auth_openidc")
_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Registered:
    """The client that Apache is."""

    issuer: str
    client_id: str
    client_secret: str


@contextmanager
def apache(client: Registered, folder: Path, *, outside: bool) -> Iterator[None]:
    """Run it: on the loopback interface, or, where containers must reach it, on all.

    Skips the test where there is neither Docker nor an Apache with the module.
    """
    own = shutil.which("apache2", path="/usr/sbin:/usr/local/sbin")
    if own is not None and (_MODULES / "mod_auth_openidc.so").exists():
        place = _of_this_machine(own, client, folder, outside=outside)
    elif subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        place = _in_a_container(client, outside=outside)
    else:
        pytest.skip("neither Docker nor Apache with libapache2-mod-auth-openidc is on this machine")
    with place:
        yield


@contextmanager
def _of_this_machine(program: str, client: Registered, folder: Path, *, outside: bool) -> Iterator[None]:
    _run("sh", "-c", _PAGES, "sh", str(folder))
    (folder / "apache.conf").write_text(_config(client, str(folder), outside=outside))
    process = subprocess.Popen([program, "-D", "FOREGROUND", "-f", str(folder / "apache.conf")])
    try:
        _wait()
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _in_a_container(client: Registered, *, outside: bool) -> Iterator[None]:
    """On the host's network: the stack's URLs name localhost."""
    _run("docker", "build", "--quiet", "--tag", _IMAGE, "-", typed=_DOCKERFILE)
    start = f'{_PAGES}printf %s "$CONFIG" > /srv/apache.conf; exec apache2 -D FOREGROUND -f /srv/apache.conf'
    config = _config(client, "/srv", outside=outside)
    options = ("--detach", "--network", "host", "--name", _IMAGE, "--env", f"CONFIG={config}")
    _run("docker", "run", *options, _IMAGE, "sh", "-c", start, "sh", "/srv")
    try:
        _wait()
        yield
    finally:
        print(_run("docker", "logs", _IMAGE))
        _run("docker", "rm", "--force", _IMAGE)
        _run("docker", "rmi", "--force", _IMAGE)


_PAGES = """mkdir -p "$1/www/protected" "$1/www/reports"
echo '{"report": "of the quarter"}' > "$1/www/reports/index.html"
echo '<!doctype html><title>Inside</title><h1 id="inside">What is inside</h1>' > "$1/www/protected/index.html"
echo '<!doctype html><title>After</title><h1 id="after">After the logout</h1>' > "$1/www/after.html"
chmod -R a+rX "$1"
"""


def _config(client: Registered, folder: str, *, outside: bool) -> str:
    api = example("apache").replace("http://localhost:8080", client.issuer).replace(EXAMPLE_API, OTHER_RESOURCE)
    return api + _CONFIG.format(
        listen="0.0.0.0" if outside else "127.0.0.1",  # noqa: S104
        port=PORT,
        folder=folder,
        modules="\n".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in _LOADED),
        issuer=client.issuer,
        client_id=client.client_id,
        client_secret=client.client_secret,
        redirect_uri=REDIRECT_URI,
    )


def _wait() -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(AFTER, trust_env=False, timeout=1)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("Apache does not answer")


def _run(*command: str, typed: str | None = None) -> str:
    done = subprocess.run(command, input=typed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[:2]}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr

"""The one way to fetch a URL that somebody else's data names: jwks_uri, request_uri, back-channel logout and the like.

A client that registers a URL makes this server send a request. So it goes by https only, to public addresses only
(RFC 9700 §4.9, RFC 7591 §5), never on to where a redirect points, and is bounded in time and size. The host is resolved
once and the connection goes to the very address that was checked: an answer that DNS changes meanwhile (rebinding)
changes nothing. A host that the configuration allows by name may be anywhere, and may be reached by http.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from tessera_shared.config import Fetch as FetchConfig
from tessera_shared.errors import StartupError
from tessera_shared.public_address import Address, is_public
from tessera_shared.tracing import OFF, Traces

TOTAL_SECONDS = 5.0
"""For everything: the name's resolution, the connection, and the last byte."""
MAX_BYTES = 256 * 1024

_MAX_URL = 2048
_URI = re.compile(r"[!$-;=?-Z_a-z~%\[\]]+")
"""RFC 3986 §2: the characters of a URI, without the fragment's `#`; no space, control character or backslash."""
_HIERARCHICAL = re.compile(r"https?://(?P<authority>[^/?]+)", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_PORTS = {"https": 443, "http": 80}
_PORTS_END = 65_536
_RESOLVING_THREADS = 16
_CONNECTIONS = 16
_MAX_AGE = re.compile(r"\d{1,9}")


class NotFetched(Exception):  # noqa: N818 - says what is the case
    """Nothing was fetched, or what came was refused; the reason holds no secret."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be fetched as far as its text tells.

    Attributes:
        url: The URL, parsed once; the request is made of this and of nothing else.
        host: Its host, an IPv6 address without brackets.
        port: Its port, the scheme's default where it names none.
        is_allowed_by_name: Whether the configuration names the host: then its address is not looked at.

    """

    url: httpx.URL
    host: str
    port: int
    is_allowed_by_name: bool


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered. Status, content type and content are the caller's to judge."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, in lower case; empty where there is none."""
        return self.headers.get("content-type", "").split(";", 1)[0].strip().lower()

    def fresh_for(self, least: timedelta, most: timedelta, now: datetime) -> timedelta:
        """How long it may be kept (RFC 9111 §4.2.1), within bounds; `least` where the headers do not say."""
        return min(max(_lifetime(self.headers, now) or least, least), most)


def check_url(url: str, allowed_hosts: Collection[str]) -> Target:
    """Judge a URL by its text.

    Args:
        url: The URL; a fragment is cut off, as in every request (RFC 9110 §4.2.5).
        allowed_hosts: Hosts, or `host:port`, in lower case, that may be anywhere and be reached by http.

    Raises:
        NotFetched: It may not be fetched.

    """
    text = url.split("#", 1)[0]
    if len(text) > _MAX_URL or not _URI.fullmatch(text):
        raise NotFetched("the URL holds characters that a URI does not have, or is too long")
    parts = _HIERARCHICAL.match(text)
    if parts is None:
        raise NotFetched("the URL is not an https URL with a host")
    if "@" in parts["authority"]:
        raise NotFetched("the URL holds user information")
    try:
        parsed = httpx.URL(text)
        host, default = parsed.raw_host.decode("ascii").removesuffix("."), _PORTS[parsed.scheme]
        port = default if parsed.port is None else parsed.port
    except (httpx.InvalidURL, ValueError) as error:  # UnicodeError is one
        raise NotFetched("the URL cannot be parsed") from error
    if not (_NAME.fullmatch(host) or _is_ipv6(host)) or not 0 < port < _PORTS_END:
        raise NotFetched("the URL's host is neither a name nor an address, or its port is none")
    shown = f"[{host}]" if ":" in host else host
    is_allowed = shown in allowed_hosts or f"{shown}:{port}" in allowed_hosts
    if parsed.scheme != "https" and not is_allowed:
        raise NotFetched("the URL is not an https URL")
    return Target(parsed, host, port, is_allowed)


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.IPv6Address(host).scope_id is None
    except ValueError:
        return False


class Fetcher:
    """Fetches by the rules of this module.

    Args:
        config: The allowed hosts, and further certificate authorities.

    Raises:
        StartupError: The certificate authorities cannot be read.

    """

    def __init__(self, config: FetchConfig, traces: Traces = OFF) -> None:
        self._traces = traces
        self._allowed_hosts = frozenset(host.lower() for host in config.allowed_hosts)
        self._resolvers = ThreadPoolExecutor(_RESOLVING_THREADS, thread_name_prefix="resolve")
        context = httpx.create_ssl_context(trust_env=False)
        try:
            if config.ca_file is not None:
                context.load_verify_locations(config.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise StartupError(f"fetch.ca_file: {config.ca_file}: {error}") from error
        # the bare transport: nothing follows redirects, keeps cookies or reads the environment. A connection to an
        # address is made for one host name, and is not used again for another one.
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=0)
        self._transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits)

    async def get(self, url: str, accept: str) -> Fetched:
        """Fetch by GET; anything but a 200 is no answer.

        Raises:
            NotFetched: Says why.

        """
        fetched = await self._exchange("GET", url, {"accept": accept}, None)
        if fetched.status != httpx.codes.OK:
            raise NotFetched(f"the server answered {fetched.status}")
        return fetched

    async def post(self, url: str, content: bytes, content_type: str) -> Fetched:
        """Send by POST; the caller judges the status, which is no redirect.

        Raises:
            NotFetched: Says why.

        """
        return await self._exchange("POST", url, {"content-type": content_type}, content)

    async def close(self) -> None:
        """End connections and threads."""
        await self._transport.aclose()
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def _exchange(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Fetched:
        target = check_url(url, self._allowed_hosts)
        try:
            with self._traces.fetching(method, target.host):
                async with asyncio.timeout(TOTAL_SECONDS):
                    address = await self._resolve(target)
                    return await self._send(_to_address(method, target, address, headers, content))
        except TimeoutError as error:
            raise NotFetched(f"no whole answer within {TOTAL_SECONDS:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise NotFetched(f"the exchange failed: {type(error).__name__}") from error

    async def _resolve(self, target: Target) -> Address:
        """The address to connect to. All that the name has must be public: a mixture is an attempt at rebinding."""
        loop = asyncio.get_running_loop()
        try:
            # in threads of its own: names whose servers are slow must not hold up everything else that resolves
            found = await loop.run_in_executor(
                self._resolvers, lambda: socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            )
            addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
        except (OSError, UnicodeError, ValueError) as error:
            raise NotFetched("the host's name cannot be resolved") from error
        if not addresses:
            raise NotFetched("the host's name has no address")
        if not target.is_allowed_by_name and not all(is_public(address) for address in addresses):
            raise NotFetched("the host has an address that is not public")
        return addresses[0]

    async def _send(self, request: httpx.Request) -> Fetched:
        response = await self._transport.handle_async_request(request)
        try:
            if response.is_redirect or response.has_redirect_location:
                raise NotFetched(f"the server answered {response.status_code}: redirects are not followed")
            # compressed content could grow without bound, and was not asked for
            if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise NotFetched("the content is encoded")
            return Fetched(response.status_code, dict(response.headers), await _read(response))
        finally:
            await response.aclose()


def _to_address(
    method: str, target: Target, address: Address, headers: Mapping[str, str], content: bytes | None
) -> httpx.Request:
    """The request to the address that was checked, for the host that was named: in Host, SNI and certificate."""
    return httpx.Request(
        method,
        target.url.copy_with(host=str(address)),
        headers={
            "host": target.url.netloc.decode("ascii"),
            "user-agent": "tessera",
            "accept-encoding": "identity",
            "connection": "close",
            **headers,
        },
        content=content,
        extensions={
            "sni_hostname": target.host,
            "timeout": httpx.Timeout(TOTAL_SECONDS).as_dict(),
        },
    )


async def _read(response: httpx.Response) -> bytes:
    announced = response.headers.get("content-length", "0")
    if not _MAX_AGE.fullmatch(announced) or int(announced) > MAX_BYTES:
        raise NotFetched(f"the content is larger than {MAX_BYTES} bytes")
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > MAX_BYTES:
            raise NotFetched(f"the content is larger than {MAX_BYTES} bytes")
    return bytes(content)


def _lifetime(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """The freshness lifetime that an answer states, less its age; None where it states none."""
    directives = dict(_directive(part) for part in headers.get("cache-control", "").split(","))
    if "no-store" in directives or "no-cache" in directives:
        return timedelta(0)
    age = headers.get("age", "0").strip()
    aged = timedelta(seconds=int(age) if _MAX_AGE.fullmatch(age) else 0)
    if _MAX_AGE.fullmatch(max_age := directives.get("max-age", "")):
        return timedelta(seconds=int(max_age)) - aged
    if "expires" not in headers:
        return None
    try:
        expires = parsedate_to_datetime(headers["expires"])
    except ValueError:  # RFC 9111 §5.3: an invalid date, "0" above all, means already expired
        return timedelta(0)
    return (expires if expires.tzinfo else expires.replace(tzinfo=UTC)) - now


def _directive(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')

"""The hand-over between authz and idp through the browser, both ends side by side.

authz asks (`Ask`), idp answers (`Answer`); each travels as a JWE under the key ring's encryption key, which only the
two services hold. An answer names the step of the request it belongs to: authz takes each step once, and only from the
browser that started the request, whose cookie it knows.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from tessera_shared.clock import seconds
from tessera_shared.keystore.ring import KeyRing, RingKey

ASK_LIFETIME = timedelta(minutes=30)
"""How long a user may take on a page."""
ANSWER_LIFETIME = timedelta(minutes=1)
"""An answer goes straight through the browser. One kept back must not outlive the session that it tells of."""
_ALG, _ENC = "dir", "A256GCM"


class HandoffRefused(Exception):  # noqa: N818 - says what happened
    """A hand-over was not made by the other service, has expired, or is for another end."""


@dataclass(frozen=True, slots=True)
class ClientDisplay:
    """What the pages show of the client.

    Attributes:
        host: Of a client_id that is the address of its metadata document: all that is certain about such a client.

    """

    client_id: str
    name: str
    uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True)
class ScopeDescription:
    """What a scope means to the person who is asked to allow it."""

    scope: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What authz wants of the idp: a login, or consent of a user who is logged in.

    Attributes:
        step: Names the one answer that will be taken.
        want: What is missing.
        client: Who asks, for the page.
        scope: The scope the user is asked to allow.
        redirect_origin: Where the browser ends up; the pages' forms may lead there (CSP form-action).
        silent: No page may be shown (`prompt=none`).
        authenticated_after: The login must not be older (seconds since the epoch; `max_age`, `prompt=login`).
        login_hint: Who the client expects to log in.
        ui_locales: Languages the user may prefer.
        sub: Who must be logged in: for a login if somebody in particular is expected, for consent who was asked.
        sid: For consent: in which session.
        described: For consent: what the administrator says about each scope.
        acr: The authentication context class that the login should reach; an essential one must be reached.
        acr_essential: Whether a login below `acr` is `unmet`.
        select_account: The user must choose the account, though somebody is logged in (`prompt=select_account`).
        return_to: A path of the idp itself, for a login that the idp asks of itself; authz never sets it.

    """

    step: str
    want: Literal["login", "consent"]
    client: ClientDisplay
    scope: tuple[str, ...]
    redirect_origin: str
    silent: bool = False
    authenticated_after: int | None = None
    login_hint: str | None = None
    ui_locales: str | None = None
    sub: str | None = None
    sid: str | None = None
    described: tuple[ScopeDescription, ...] = ()
    acr: str | None = None
    acr_essential: bool = False
    select_account: bool = False
    return_to: str | None = None


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who logged in, when and how (OpenID Connect Core §2)."""

    sub: str
    sid: str
    auth_time: int
    acr: str
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the idp says: an authentication, the scope the user allowed, or why there is neither.

    Attributes:
        step: The step of the `Ask`.
        outcome: `no_session`: nobody is logged in as asked and no page could be shown; `denied`: the user said no;
            `session_ended`: the session that consent was asked in is over; `unmet`: the user cannot log in as strongly
            as the essential `acr` asks.
        authentication: For `authenticated`.
        scope: For `consented`.

    """

    step: str
    outcome: Literal["authenticated", "consented", "no_session", "denied", "session_ended", "unmet"]
    authentication: Authentication | None = None
    scope: tuple[str, ...] = ()


def authorization_of(step: str) -> str:
    """Which authorization request a step belongs to: for the logs of both ends."""
    return step.partition(".")[0]


T = TypeVar("T", Ask, Answer)


def seal_ask(ask: Ask, key: RingKey, now: datetime) -> str:
    """Authz's end: write an ask for the idp."""
    return _seal(ask, "idp", key, now + ASK_LIFETIME)


def open_ask(token: str, ring: KeyRing, now: datetime) -> Ask:
    """Idp's end: read an ask of authz.

    Raises:
        HandoffRefused: See there.

    """
    return _open(token, "idp", ring, now, _to_ask)


def seal_answer(answer: Answer, key: RingKey, now: datetime) -> str:
    """Idp's end: write an answer for authz."""
    return _seal(answer, "authz", key, now + ANSWER_LIFETIME)


def open_answer(token: str, ring: KeyRing, now: datetime) -> Answer:
    """Authz's end: read an answer of the idp.

    Raises:
        HandoffRefused: See there.

    """
    return _open(token, "authz", ring, now, _to_answer)


def _seal(content: Ask | Answer, audience: str, key: RingKey, expires_at: datetime) -> str:
    header = {"alg": _ALG, "enc": _ENC, "kid": key.kid}
    payload = {"aud": audience, "exp": seconds(expires_at), "content": asdict(content)}
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return jwe.encrypt_compact(header, text, key.key, algorithms=[_ALG, _ENC])


def _open(token: str, audience: str, ring: KeyRing, now: datetime, read: Callable[[dict[str, Any]], T]) -> T:
    try:
        kid = str(_protected_header(token).get("kid"))
        key = ring.decryption_key(kid, now)
        if key is None:
            raise HandoffRefused("sealed under a key that is not in the ring")
        payload = json.loads(jwe.decrypt_compact(token, key.key, algorithms=[_ALG, _ENC]).plaintext or b"")
    except (JoseError, ValueError, RecursionError) as error:
        raise HandoffRefused("not sealed by the other service") from error
    match payload:
        case {"aud": str(made_for), "exp": int(expires_at), "content": dict(content)}:
            if made_for != audience:
                raise HandoffRefused("made for the other end")
            if expires_at <= seconds(now):
                raise HandoffRefused("expired")
        case _:
            raise HandoffRefused("sealed for something else")
    try:
        return read(content)
    except (KeyError, TypeError) as error:
        raise HandoffRefused("made by another release") from error


def _protected_header(token: str) -> dict[str, Any]:
    header = json.loads(urlsafe_b64decode(token.split(".", 1)[0].encode()))
    if not isinstance(header, dict):
        raise ValueError("the protected header is no object")
    return header


def _to_ask(content: dict[str, Any]) -> Ask:
    described = tuple(ScopeDescription(**line) for line in content.get("described", ()))
    client = ClientDisplay(**content["client"])
    return Ask(**{**content, "client": client, "scope": tuple(content["scope"]), "described": described})


def _to_answer(content: dict[str, Any]) -> Answer:
    found = content["authentication"]
    authentication = None if found is None else Authentication(**{**found, "amr": tuple(found["amr"])})
    return Answer(content["step"], content["outcome"], authentication, tuple(content["scope"]))

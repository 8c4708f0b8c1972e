"""Client metadata (RFC 7591 §2, OpenID Connect Registration §2): what was sent becomes what is stored, or is refused.

Members that are not known here are left out (RFC 7591 §2); null means left out (RFC 7592 §2.2).
"""

import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tessera_authz.protocol.profiles import PROFILES
from tessera_authz.protocol.registered_keys import jwks_problem
from tessera_authz.protocol.registered_uri import origin_of, redirect_problem, secure_problem, web_problem
from tessera_authz.protocol.registration_policy import STRICT_WHEN_TRUE, Bounds, check_bounds, refusal
from tessera_authz.protocol.response_encryption import ALGS, ENCS, check_encryption, fill_in
from tessera_authz.protocol.subject_identifier import check_sector
from tessera_shared import scope as scopes
from tessera_shared.claims import ACR_VALUES
from tessera_shared.errors import OAuthError
from tessera_shared.pairwise import SUBJECT_TYPES
from tessera_shared.scope import Scope

KEY_METHODS = ("private_key_jwt", "self_signed_tls_client_auth")
READABLE_SECRET_METHOD = "client_secret_jwt"
SECRET_METHODS = ("client_secret_basic", "client_secret_post", READABLE_SECRET_METHOD)
TLS_SUBJECTS = tuple(f"tls_client_auth_{name}" for name in ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email"))
"""RFC 8705 §2.1.2: exactly one of them."""

FETCHED = ("jwks_uri", "sector_identifier_uri", "backchannel_logout_uri")
"""What the server calls by itself: by https, or by http at hosts that the configuration names."""

NUMBERS = ("default_max_age",)
"""The members whose values are numbers."""

NOT_SERVED = tuple(
    f"{name}_{part}"
    for name in ("request_object_encryption", "authorization_encrypted_response")
    for part in ("alg", "enc")
)
"""What a client would rely on in vain: a clear refusal is better than a member left out."""

_MAX_URIS, _MAX_TEXT, _MAX_NAMES = 30, 300, 50
_LONGEST_AGE = 10**9
"""In seconds."""


@dataclass(frozen=True, slots=True)
class Supported:
    """What the server serves, from its registries.

    Attributes:
        default_auth_method: For metadata that names none.
        default_scope: For metadata that names none.
        algs: For each member that names an algorithm, those that are served.
        fetched_by_http: Hosts from which may be fetched by http.

    """

    auth_methods: Collection[str]
    default_auth_method: str
    grant_types: Collection[str]
    response_types: Collection[str]
    default_scope: Scope
    algs: Mapping[str, Collection[str]]
    fetched_by_http: Collection[str] = ()


def check(sent: Mapping[str, Any], bounds: Bounds, supported: Supported) -> dict[str, Any]:
    """The metadata to store, its defaults filled in.

    Args:
        sent: What the client sent, as JSON was read.
        bounds: How far this client may go.
        supported: What the server serves.

    Raises:
        OAuthError: invalid_redirect_uri, invalid_client_metadata or unapproved_software_statement (RFC 7591 §3.2.2).

    """
    if sent.get("software_statement") is not None:
        raise OAuthError(
            "unapproved_software_statement",
            "Software statements are not accepted here.",
            section="RFC 7591 §3.2.2",
            expected="metadata without software_statement",
        )
    members = {name: _read(name, value) for name, value in sent.items() if name in READERS and value is not None}
    _fill_in(members, bounds, supported)
    _check_uris(members, supported)
    _check_flows(members, supported)
    _check_authentication(members, supported)
    _check_algs(members, supported)
    check_encryption(members)
    check_sector(members)
    check_bounds(members, bounds)
    return members


def _fill_in(members: dict[str, Any], bounds: Bounds, supported: Supported) -> None:
    """The defaults of RFC 7591 §2; a client without the code flow has no response type."""
    members.setdefault("grant_types", ["authorization_code"])
    members.setdefault("response_types", ["code"] if "authorization_code" in members["grant_types"] else [])
    members.setdefault("token_endpoint_auth_method", supported.default_auth_method)
    members.setdefault("application_type", "web")
    members.setdefault("profile", bounds.profile)
    members.setdefault("redirect_uris", [])
    allowed = tuple(token for token in supported.default_scope if token in bounds.scope)
    members.setdefault("scope", scopes.format_scope(allowed))
    fill_in(members)


def _check_uris(members: Mapping[str, Any], supported: Supported) -> None:
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        for uri in members.get(name, ()):
            if problem := redirect_problem(uri, members["application_type"]):
                raise refusal(name, problem, "OAuth 2.1 §2.3, RFC 8252 §7")
    for name in FETCHED:
        uri = members.get(name, "https://")
        host = uri.removeprefix("http://").partition("/")[0]
        if not uri.startswith("https://") and host not in supported.fetched_by_http:
            raise refusal(name, "must be an https URI", "https")
    _check_frontchannel_logout(members)


def _check_frontchannel_logout(members: Mapping[str, Any]) -> None:
    """Front-Channel Logout §2: scheme, host and port are those of a redirect URI."""
    uri = members.get("frontchannel_logout_uri")
    if uri is not None and origin_of(uri) not in {origin_of(redirect) for redirect in members["redirect_uris"]}:
        raise refusal("frontchannel_logout_uri", "must have the origin of a redirect URI", "one of redirect_uris")


def _check_flows(members: Mapping[str, Any], supported: Supported) -> None:
    grant_types, response_types = members["grant_types"], members["response_types"]
    if not set(grant_types) <= set(supported.grant_types):
        raise refusal("grant_types", "names a grant type that is not supported", ", ".join(supported.grant_types))
    if not set(response_types) <= set(supported.response_types):
        known = ", ".join(supported.response_types)
        raise refusal("response_types", "names a response type that is not supported", known)
    if not set(grant_types) - {"refresh_token"}:
        raise refusal("grant_types", "must name a grant that tokens come from", "authorization_code")
    with_code = "authorization_code" in grant_types
    if with_code != ("code" in response_types):  # RFC 7591 §2.1
        raise refusal("response_types", "does not go with grant_types", "code with authorization_code, and only so")
    if with_code and not members["redirect_uris"]:  # RFC 7591 §2: redirect-based flows
        raise refusal("redirect_uris", "is missing", "one redirect URI at least")


def _check_authentication(members: Mapping[str, Any], supported: Supported) -> None:
    method = members["token_endpoint_auth_method"]
    if method not in supported.auth_methods:
        raise refusal("token_endpoint_auth_method", "is not supported", ", ".join(supported.auth_methods))
    if method == "none" and "client_credentials" in members["grant_types"]:  # RFC 6749 §4.4
        raise refusal("grant_types", "may name client_credentials only for a client with credentials", "a method")
    if "jwks" in members and "jwks_uri" in members:  # RFC 7591 §2
        raise refusal("jwks", "must not stand beside jwks_uri", "one of them")
    if method in KEY_METHODS and not {"jwks", "jwks_uri"} & members.keys():
        raise refusal("jwks", "or jwks_uri is needed for this token_endpoint_auth_method", "the client's public keys")
    subjects = [name for name in TLS_SUBJECTS if name in members]
    if method == "tls_client_auth" and len(subjects) != 1:  # RFC 8705 §2.1.2
        raise refusal("token_endpoint_auth_method", "needs exactly one tls_client_auth member", ", ".join(TLS_SUBJECTS))


def _check_algs(members: Mapping[str, Any], supported: Supported) -> None:
    for name, served in supported.algs.items():
        if name in members and members[name] not in served:
            raise refusal(name, "is not supported", ", ".join(served))
    alg, method = members.get("token_endpoint_auth_signing_alg"), members["token_endpoint_auth_method"]
    if alg is not None and alg.startswith("HS") != (method == READABLE_SECRET_METHOD):
        raise refusal("token_endpoint_auth_signing_alg", "does not go with the method", "an algorithm of the method")


def _read(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    problem = READERS[name](value)
    if problem is not None:
        raise refusal(name, problem, "RFC 7591 §2")
    return list(dict.fromkeys(value)) if isinstance(value, list) else value


def _text(value: Any) -> str | None:  # noqa: ANN401 - JSON
    if not isinstance(value, str) or not 1 <= len(value) <= _MAX_TEXT:
        return f"must be a text of 1 to {_MAX_TEXT} characters"
    # control characters, and those that turn the writing direction: a page must show what is there
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in value):
        return "holds a character that cannot be shown"
    return None if value.strip() else "must not be blank"


def _switch(value: Any) -> str | None:  # noqa: ANN401 - JSON
    return None if isinstance(value, bool) else "must be true or false"


def _names(value: Any) -> str | None:  # noqa: ANN401 - JSON
    is_list = isinstance(value, list) and len(value) <= _MAX_NAMES
    return None if is_list and not any(_text(name) for name in value) else "must be a list of texts"


def _age(value: Any) -> str | None:  # noqa: ANN401 - JSON
    is_age = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LONGEST_AGE
    return None if is_age else "must be a number of seconds"


def _acr_values(value: Any) -> str | None:  # noqa: ANN401 - JSON
    is_list = isinstance(value, list) and all(acr in ACR_VALUES for acr in value)
    return None if is_list else f"must be a list of {', '.join(ACR_VALUES)}"


def _uris(value: Any) -> str | None:  # noqa: ANN401 - JSON
    is_list = isinstance(value, list) and len(value) <= _MAX_URIS and all(isinstance(uri, str) for uri in value)
    return None if is_list else f"must be a list of at most {_MAX_URIS} URIs"


def _scope(value: Any) -> str | None:  # noqa: ANN401 - JSON
    try:
        return None if isinstance(value, str) and len(scopes.parse(value)) <= _MAX_NAMES else "must be a scope value"
    except OAuthError:
        return "must be a scope value"


def _uri(problem: Callable[[str], str | None]) -> Callable[[Any], str | None]:
    return lambda value: problem(value) if isinstance(value, str) else "must be a URI"


def _called_problem(uri: str) -> str | None:
    """Of https and http alike; at which hosts http will do is a matter of the configuration."""
    return secure_problem(f"https://{uri.removeprefix('http://')}" if uri.startswith("http://") else uri)


def _not_served(_value: Any) -> str:  # noqa: ANN401 - JSON
    return "is not supported"


def _one_of(*values: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in values else f"must be one of {', '.join(values)}"


READERS: Mapping[str, Callable[[Any], str | None]] = {
    "redirect_uris": _uris,
    "post_logout_redirect_uris": _uris,
    "grant_types": _names,
    "response_types": _names,
    "token_endpoint_auth_method": _text,
    "application_type": _one_of("web", "native"),
    "client_name": _text,
    "client_uri": _uri(web_problem),
    "logo_uri": _uri(web_problem),
    "policy_uri": _uri(web_problem),
    "tos_uri": _uri(web_problem),
    "initiate_login_uri": _uri(secure_problem),
    **dict.fromkeys(FETCHED, _uri(_called_problem)),
    "backchannel_logout_session_required": _switch,
    "frontchannel_logout_uri": _uri(web_problem),
    "frontchannel_logout_session_required": _switch,
    "jwks": jwks_problem,
    "scope": _scope,
    "contacts": _names,
    "software_id": _text,
    "software_version": _text,
    "default_max_age": _age,
    "require_auth_time": _switch,
    "default_acr_values": _acr_values,
    "require_acr": _one_of(*ACR_VALUES),
    "subject_type": _one_of(*SUBJECT_TYPES),
    "token_endpoint_auth_signing_alg": _text,
    "request_object_signing_alg": _text,
    "authorization_signed_response_alg": _text,
    "id_token_signed_response_alg": _text,
    "userinfo_signed_response_alg": _text,
    **dict.fromkeys((*ALGS, *ENCS), _text),
    **dict.fromkeys(NOT_SERVED, _not_served),
    **dict.fromkeys(TLS_SUBJECTS, _text),
    "profile": _one_of(*PROFILES),
    **dict.fromkeys(STRICT_WHEN_TRUE, _switch),
    "assertion_audience": _one_of("issuer", "any"),
    "signing_algs": _names,
}
"""Every member that is known, and what is wrong with a value of it."""

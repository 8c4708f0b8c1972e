"""Resource indicators (RFC 8707): which protected resources a token is for."""

from collections.abc import Collection, Sequence

from tessera_shared.errors import OAuthError


def check(requested: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The requested resources, each once.

    Args:
        requested: The values of the `resource` parameters.
        known: The resources that tokens may be issued for.

    Raises:
        OAuthError: invalid_target, for a resource that is not known here.

    """
    resources = tuple(dict.fromkeys(requested))
    unknown = [resource for resource in resources if resource not in known]
    if unknown:
        raise OAuthError(
            "invalid_target",
            "The resource is not known here.",
            section="RFC 8707 §2",
            expected=", ".join(known),
            received=unknown[0][:200],
        )
    return resources


def narrow(requested: tuple[str, ...], granted: tuple[str, ...]) -> tuple[str, ...]:
    """The resources of a token request, within those of the grant (RFC 8707 §2.2); all of them where it names none.

    Raises:
        OAuthError: invalid_target, for a resource that was not granted.

    """
    if granted and not set(requested) <= set(granted):
        raise OAuthError(
            "invalid_target",
            "The resource was not part of the authorization.",
            section="RFC 8707 §2.2",
            expected=", ".join(granted),
            received=", ".join(requested)[:200],
        )
    return requested or granted

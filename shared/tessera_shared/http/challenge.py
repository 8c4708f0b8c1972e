"""Challenges of protected resources (RFC 9110 §11.6.1): Bearer (RFC 6750 §3) and DPoP (RFC 9449 §7.1), side by side."""

from collections.abc import Sequence
from typing import Literal

from tessera_shared.dpop import ALGS

Scheme = Literal["Bearer", "DPoP"]

_BETWEEN = ", DPoP "
"""A header may hold two challenges; DPoP's is then the second."""


def bare(schemes: Sequence[Scheme]) -> str:
    """What a request without any token is told: which schemes will do, and no error (RFC 6750 §3.1)."""
    return ", ".join(_write(scheme, {}) for scheme in schemes)


def of_error(scheme: Scheme, error: str, description: str, **more: str) -> str:
    """What is wrong with a request, told in the scheme that it used.

    Args:
        scheme: The scheme of its Authorization header.
        error: RFC 6750 §3.1, RFC 9449 §7.1.
        description: A constant sentence.
        more: Further parameters, such as `scope`.

    """
    told = _write(scheme, {"error": error, "error_description": description, **more})
    if scheme == "DPoP" or error != "invalid_token":
        return told
    return f"{told}, {_write('DPoP', {})}"  # RFC 9449 §7.2: the other way that is open


def with_parameter(header: str, name: str, value: str) -> str:
    """The same header with one more parameter in each of its challenges."""
    return _BETWEEN.join(f'{challenge}, {name}="{value}"' for challenge in header.split(_BETWEEN))


def _write(scheme: Scheme, parameters: dict[str, str]) -> str:
    algs = {"algs": " ".join(ALGS)} if scheme == "DPoP" else {}
    return f"{scheme} " + ", ".join(
        f'{name}="{value}"' for name, value in {"realm": "tessera", **parameters, **algs}.items()
    )

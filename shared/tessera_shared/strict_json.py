"""JSON (RFC 8259) of others: read without what different parsers, or the database, read differently."""

import json
from typing import Any


def read_object(text: str) -> dict[str, Any]:
    """An object, each member once, its texts such as a database takes them.

    Raises:
        ValueError: It is none.

    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        # neither a lone surrogate nor a number without end can be written
        written = json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict) or b"\\u0000" in written:
        raise ValueError("no object, or a text with U+0000")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _refuse_constant(name: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(name)

"""The configuration reference: every key of each service, out of the configuration's types and its commented file.

`python -m stack.reference` writes docs/configuration.md; a test compares the two.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tessera_authz.config import AuthzConfig
from tessera_idp.config import IdpConfig
from tessera_rs.config import RsConfig

__all__ = ["DOCUMENT", "reference"]

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "configuration.md"
SERVICES: Mapping[str, type[BaseModel]] = {"authz": AuthzConfig, "idp": IdpConfig, "rs": RsConfig}
HEAD = """# Configuration

Each service reads one YAML file (`--config configs/<service>.yml`) and lays the environment over it:
`TESSERA_AUTHZ_DATABASE__HOST` is `database.host` of authz; lists and sections are JSON there. An unknown key, a missing
value or a wrong type ends the start with one line that names it. This page is made of the configuration's types and the
commented files (`make docs`).
"""
_KEY = re.compile(r"^(?P<indent> *)(?:# (?P<off> *))?(?P<key>[a-z_]+):(?P<rest>.*)$")
_COMMENT = re.compile(r"(?:^|\s)# (?P<text>.*)$")
_MORE = re.compile(r"^ {20,}# (?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its path, what it takes, its default, and what the commented file says of it."""

    path: str
    kind: str
    default: str
    meaning: str


def reference() -> str:
    """The whole document."""
    parts = [HEAD]
    for service, model in SERVICES.items():
        keys = list(_keys(model, None, (), _comments(ROOT / "configs" / f"{service}.yml")))
        parts.append(f"## {service}: `configs/{service}.yml`, `TESSERA_{service.upper()}_…`\n")
        parts.append(_table([key for key in keys if key.kind != "section" and "." not in key.path]))
        for section in (key for key in keys if key.kind == "section" and "." not in key.path):
            parts.append(f"### {service}: `{section.path}`\n")
            parts.append(_sentence(section))
            parts.append(_table([key for key in keys if key.path.startswith(f"{section.path}.")]))
    return "\n".join(part for part in parts if part)


def _sentence(section: Key) -> str:
    """What a section is for, and whether it may be left out."""
    needed = {"required": "Required.", "none": "May be left out."}.get(section.default, "")
    meaning = section.meaning.removesuffix(".")
    if "without this section" in meaning:
        needed = ""
    told = [f"{meaning[0].upper()}{meaning[1:]}." if meaning else "", needed]
    return " ".join(filter(None, told)) + "\n" if any(told) else ""


def _table(keys: list[Key]) -> str:
    rows = [f"| `{key.path}` | {key.kind} | {key.default} | {key.meaning} |" for key in keys]
    return "\n".join(["| key | takes | default | meaning |", "| --- | --- | --- | --- |", *rows, ""])


def _keys(
    model: type[BaseModel], given: BaseModel | None, above: tuple[str, ...], comments: Mapping[str, str]
) -> Iterator[Key]:
    """The keys of a section; `given` is the section as it is where it is left out."""
    for name, field in model.model_fields.items():
        path = (*above, name)
        dotted = ".".join(path)
        section = _section(field.annotation)
        default = field.get_default(call_default_factory=True, validated_data={})
        if given is not None:
            default = getattr(given, name)
        meaning = comments.get(dotted, "").replace("|", "\\|")
        if section is None:
            yield Key(dotted, _kind(field.annotation), _default(default), meaning)
            continue
        yield Key(dotted, "section", "" if isinstance(default, BaseModel) else _default(default), meaning)
        yield from _keys(section, default if isinstance(default, BaseModel) else None, path, comments)


def _section(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type
    """The section that a key holds, also one that may be left out."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel) and get_origin(annotation) is not tuple:
            return kind
    return None


def _kind(annotation: Any) -> str:  # noqa: ANN401 - a type
    origin = get_origin(annotation)
    if origin is Literal:
        return " \\| ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (Union, UnionType):
        return " or ".join(_kind(kind) for kind in get_args(annotation) if kind is not NoneType)
    if origin is tuple:
        return f"list of {_kind(get_args(annotation)[0])}"
    names = {str: "text", int: "number", float: "number", bool: "true, false", Path: "file"}
    return names.get(annotation, "section" if isinstance(annotation, type) else "text")


def _default(default: Any) -> str:  # noqa: ANN401 - of any type
    match default:
        case _ if default is PydanticUndefined:
            return "required"
        case None:
            return "none"
        case bool():
            return f"`{str(default).lower()}`"
        case tuple():
            return f"`[{', '.join(map(str, default))}]`"
        case _:
            return f"`{default}`"


def _comments(file: Path) -> dict[str, str]:
    """What the file says of each key, by path; keys that are commented out count."""
    found: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    current = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if (more := _MORE.match(line)) and current:
            found[current] = f"{found.get(current, '')} {more['text']}".strip()
        elif key := _KEY.match(line):
            depth = len(key["indent"]) + len(key["off"] or "")
            path = [*((at, name) for at, name in path if at < depth), (depth, key["key"])]
            current = ".".join(name for _, name in path)
            if comment := _COMMENT.search(key["rest"]):
                found[current] = comment["text"].strip()
        else:
            current = ""
    return found


if __name__ == "__main__":
    DOCUMENT.write_text(reference(), encoding="utf-8")

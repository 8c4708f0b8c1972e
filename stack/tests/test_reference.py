"""docs/configuration.md: every key of every service, as the types and the commented files have it now."""

import yaml

from stack.reference import DOCUMENT, ROOT, SERVICES, reference


def test_document_is_what_the_types_and_files_say_now():
    assert DOCUMENT.read_text(encoding="utf-8") == reference(), "run make docs"


def test_every_key_of_the_files_is_in_it():
    told = reference()

    def paths(content, above=""):
        for name, value in content.items():
            yield f"{above}{name}"
            if isinstance(value, dict):
                yield from paths(value, f"{above}{name}.")

    for service in SERVICES:
        content = yaml.safe_load((ROOT / "configs" / f"{service}.yml").read_text(encoding="utf-8"))
        written = ("| `{0}` |", f"### {service}: `{{0}}`\n")
        assert [path for path in paths(content) if not any(one.format(path) in told for one in written)] == []

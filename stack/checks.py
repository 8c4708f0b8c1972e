"""The checks that no linter has: `python -m stack.checks unfinished|secrets|places FILE…`, run by pre-commit.

The patterns are written so that they do not match themselves.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["RULES", "findings", "main"]

RULES = {
    "unfinished": {
        "an unfinished mark": r"\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b",
        "a stub": r"\bNotImplemented[E]rror\b",
    },
    "secrets": {
        "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE [K]EY-----",
        "a private JSON Web Key": r"""["']d["']\s*:\s*["'][A-Za-z0-9_-]{40,}["']""",
        "an access token": r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[abp]-[0-9A-Za-z-]{10,})\b",
        "a signed token": r"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
        "a secret in an assignment": r"(?i)(?:password|secret|api_?key|token)[\"']?\s*[:=]\s*"
        r"[\"'](?!/[a-z]+/)[A-Za-z0-9+/_=-]{24,}[\"']",  # a path is none
    },
    "places": {
        "a package registry's host": r"\b(?:py[p]i\.org|python[h]osted|registry\.npm[j]s|deb\.deb[i]an\.org|"
        r"registry-1\.doc[k]er|gh[c]r\.io|qu[a]y\.io|crates\.[i]o|proxy\.gol[a]ng)",
        "a path of one machine": r"(?<![\w./:-])/(?:work|root|home/\w+|Users/\w+)/",
    },
}
"""What each check looks for, by the words that tell of it."""


def main() -> int:
    """Print what was found, one line each, and fail when there is anything."""
    rule, *files = sys.argv[1:]
    found = [line for file in files for line in findings(rule, Path(file))]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


def findings(rule: str, path: Path) -> Iterator[str]:
    """Every place in a text file that breaks the rule."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return
    for number, line in enumerate(lines, start=1):
        for name, pattern in RULES[rule].items():
            if re.search(pattern, line):
                yield f"{path}:{number}: {name}"


if __name__ == "__main__":
    sys.exit(main())

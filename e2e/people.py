"""Users of one test alone, added as an operator does."""

import json
import secrets
from typing import NamedTuple

from e2e.stack import Control


class Person(NamedTuple):
    """A user who logs in by a password."""

    username: str
    password: str


def add_person(control: Control, **claims: str) -> Person:
    """A new user with a verified address of the same name, and further claims."""
    username = f"person-{secrets.token_hex(4)}"
    known = {"email": f"{username}@wonderland.example", "email_verified": "true", **claims}
    options = [word for name, value in known.items() for word in ("--claim", f"{name}={value}")]
    made = control.operate("idp", "users", "add", username, *options, "--generate-password", "--json")
    assert made.returncode == 0, made.stderr
    return Person(username, json.loads(made.stdout)["password"])

"""The demo user: alice / wonderland-42, with every standard claim, made once and left alone later."""

from typing import Any
from uuid import uuid4

from tessera_idp.store.users import UserStore
from tessera_shared import clock, logging
from tessera_shared.argon2id import Argon2id

USERNAME = "alice"
PASSWORD = "wonderland-42"
"""Told in the documents; only `demo: true` makes this user."""

CLAIMS: dict[str, Any] = {
    "name": "Alice Liddell",
    "given_name": "Alice",
    "family_name": "Liddell",
    "middle_name": "Pleasance",
    "nickname": "Al",
    "preferred_username": "alice",
    "profile": "https://alice.example/about",
    "picture": "https://alice.example/portrait.png",
    "website": "https://alice.example",
    "gender": "female",
    "birthdate": "1852-05-04",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "email": "alice@wonderland.example",
    "email_verified": True,
    "phone_number": "+44 1632 960042",
    "phone_number_verified": True,
    "address": {
        "formatted": "1 Rabbit Hole\nOxford OX1 1DP\nUnited Kingdom",
        "street_address": "1 Rabbit Hole",
        "locality": "Oxford",
        "region": "Oxfordshire",
        "postal_code": "OX1 1DP",
        "country": "United Kingdom",
    },
}
"""OpenID Connect Core §5.1; `sub` and `updated_at` come from the user's row."""


async def ensure_demo_user(users: UserStore, passwords: Argon2id) -> None:
    """Make the demo user, unless somebody of that name is there."""
    if await users.find_with_password(USERNAME) is not None:
        return
    sub = str(uuid4())
    if await users.add(sub, USERNAME, CLAIMS, await passwords.hash(PASSWORD), clock.now()):
        logging.get().info("demo user made", username=USERNAME, sub=sub)

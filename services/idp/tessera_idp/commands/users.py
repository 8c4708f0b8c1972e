"""`users`: who can log in."""

import json
import secrets
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import uuid4

import typer

from tessera_idp.commands.work import Work
from tessera_idp.password_policy import password_policy
from tessera_idp.protocol.models import User
from tessera_idp.protocol.password_rules import Weakness
from tessera_idp.store import account_changes, links, user_list
from tessera_shared import audit, clock
from tessera_shared.argon2id import Argon2id
from tessera_shared.audit import Event
from tessera_shared.claims import SCOPE_CLAIMS
from tessera_shared.command_line import CommandError, Group, Result, read_secret
from tessera_shared.db import Transaction

_PASSWORD_BYTES = 18
_MAX_NAME = 100

Claims = Annotated[
    list[str] | None,
    typer.Option("--claim", metavar="NAME=VALUE", help="A standard claim; objects and switches as JSON."),
]
Generate = Annotated[bool, typer.Option("--generate-password", help="Make one and show it once.")]
AnyPassword = Annotated[
    bool, typer.Option("--any-password", help="Take the password though it is too short or easily guessed.")
]
FromInput = Annotated[bool, typer.Option("--password", help="Read one from standard input.")]


async def list_users(work: Work) -> Result:
    """List all users."""
    return [_summary(user) for user in await user_list.list_all(work.database)]


async def show(work: Work, user: str) -> Result:
    """Show a user, by name or sub, with all claims."""
    found = await work.find_user(user)
    return {**_summary(found), "claims": found.claims}


async def add(
    work: Work,
    username: str,
    *,
    claims: Claims = None,
    generate: Generate = False,
    any_password: AnyPassword = False,
) -> Result:
    """Add a user; the password is read from standard input, or made and shown this once."""
    if not username.strip() or len(username) > _MAX_NAME or not username.isprintable():
        raise CommandError(f"a username has 1 to {_MAX_NAME} printable characters")
    given = _claims(claims)
    password, told = _password(generate=generate)
    if not any_password:
        await _refuse_weak(work, password, username, given)
    hashed, sub, now = await _hash(password), str(uuid4()), clock.now()
    async with work.database.transaction() as tx:
        await _refuse_taken_email(tx, given, None)
        if not await account_changes.add(tx, sub, username, given, now):
            raise CommandError(f"there is a user {username} already")
        await account_changes.set_password(tx, sub, hashed, now)
        await audit.record(tx, work.actor, Event("user.added", sub, details={"username": username}))
    return {"sub": sub, "username": username, **told}


async def change(
    work: Work,
    user: str,
    *,
    claims: Claims = None,
    unset: Annotated[list[str] | None, typer.Option("--unset-claim", help="A claim to remove.")] = None,
    disabled: Annotated[bool | None, typer.Option("--disable/--enable", help="Whether the user may log in.")] = None,
    from_input: FromInput = False,
    generate: Generate = False,
    any_password: AnyPassword = False,
) -> Result:
    """Change a user's claims or password, or keep the user out: sessions and tokens then end at once.

    Links that were mailed before lead nowhere after another password or address: they may be in wrong hands.
    """
    found = await work.find_user(user)
    kept = {name: value for name, value in found.claims.items() if name not in (unset or ())}
    new_claims, is_disabled = {**kept, **_claims(claims)}, found.disabled if disabled is None else disabled
    password, told = _password(generate=generate) if from_input or generate else (None, {})
    if password is not None and not any_password:
        await _refuse_weak(work, password, found.username, new_claims)
    hashed, now = None if password is None else await _hash(password), clock.now()
    until = await work.revoked_until(now)
    async with work.database.transaction() as tx:
        await _refuse_taken_email(tx, new_claims, found.sub)
        await user_list.change(tx, found.sub, new_claims, is_disabled, now)
        if hashed is not None:
            await user_list.set_password(tx, found.sub, hashed, now)
        if hashed is not None or new_claims.get("email") != found.claims.get("email"):
            await links.forget_all_of_user(tx, found.sub)
        revoked = await user_list.revoke_all(tx, found.sub, now, until) if is_disabled else []
        details = {"claims": new_claims != found.claims, "password": hashed is not None, "disabled": is_disabled}
        await audit.record(tx, work.actor, Event("user.changed", found.sub, details=details))
    await work.announce(revoked)
    return {**_summary(await work.find_user(found.sub)), "revoked_grants": len(revoked), **told}


async def remove(work: Work, user: str) -> Result:
    """Remove a user with all sessions and grants."""
    found, now = await work.find_user(user), clock.now()
    until = await work.revoked_until(now)
    async with work.database.transaction() as tx:
        revoked = await user_list.revoke_all(tx, found.sub, now, until)
        await user_list.remove(tx, found.sub)
        details = {"username": found.username}
        await audit.record(tx, work.actor, Event("user.removed", found.sub, details=details))
    await work.announce(revoked)
    return {"removed": found.sub, "revoked_grants": len(revoked)}


def _password(*, generate: bool) -> tuple[str, dict[str, str]]:
    """The password, and what is told of it."""
    if not generate:
        return read_secret("Password"), {}
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    return password, {"password": password}


async def _refuse_weak(work: Work, password: str, username: str, claims: Mapping[str, Any]) -> None:
    """As the pages do where users choose their own passwords."""
    policy = password_policy(work.config)
    weakness = await policy.weakness(password, username, claims.get("email"), claims.get("name"))
    if weakness is not None:
        least = f", {policy.minimum_length} characters are asked for" if weakness is Weakness.TOO_SHORT else ""
        raise CommandError(f"the password is {weakness.value}{least}; --any-password takes it nevertheless")


async def _refuse_taken_email(tx: Transaction, claims: Mapping[str, Any], sub: str | None) -> None:
    """A verified address names one account."""
    email = claims.get("email")
    if claims.get("email_verified") is True and email and not await account_changes.is_email_free(tx, email, sub):
        raise CommandError(f"the verified address {email} is another user's")


async def _hash(password: str) -> str:
    argon2id = Argon2id(workers=1, queue=1)
    try:
        return await argon2id.hash(password)
    finally:
        argon2id.close()


def _claims(given: list[str] | None) -> dict[str, Any]:
    known = {claim for claims in SCOPE_CLAIMS.values() for claim in claims} - {"sub", "updated_at"}
    claims: dict[str, Any] = {}
    for pair in given or ():
        name, equals, text = pair.partition("=")
        if not equals or name not in known:
            raise CommandError(f"--claim {pair}: no standard claim; known are {', '.join(sorted(known))}")
        try:
            claims[name] = json.loads(text) if text[:1] == "{" or text in ("true", "false") else text
        except ValueError as error:
            raise CommandError(f"--claim {name}: not JSON") from error
    return claims


def _summary(user: User) -> dict[str, Any]:
    return {
        "sub": user.sub,
        "username": user.username,
        "name": user.claims.get("name"),
        "email": user.claims.get("email"),
        "disabled": user.disabled,
        "updated_at": user.updated_at,
    }


GROUP = Group("The users.", {"list": list_users, "show": show, "add": add, "change": change, "remove": remove})

"""`factors`: what users have beside their passwords, and how to let in one who lost it."""

from typing import Annotated

import typer

from tessera_idp.commands.work import Work
from tessera_idp.store import factor_list
from tessera_shared import audit
from tessera_shared.audit import Event
from tessera_shared.command_line import CommandError, Group, Result

Everything = Annotated[bool, typer.Option("--all", help="All of them: the password alone lets the user in.")]


async def list_factors(work: Work, user: str) -> Result:
    """List a user's authenticator apps, passkeys, codes by e-mail and recovery codes; never a secret."""
    return await factor_list.list_of(work.database, (await work.find_user(user)).sub)


async def remove(
    work: Work,
    user: str,
    factor: Annotated[str | None, typer.Argument(help="The id of one; or give --all.")] = None,
    *,
    everything: Everything = False,
) -> Result:
    """Remove one factor of a user, or all, for users who lost theirs; be sure who asks for it."""
    if (factor is None) != everything:
        raise CommandError("name a factor by its id, or --all")
    sub = (await work.find_user(user)).sub
    async with work.database.transaction() as tx:
        removed = await factor_list.remove(tx, sub, factor)
        for method, _id, name in removed:
            details = {"method": method, "name": name}
            await audit.record(tx, work.actor, Event("factor.removed", sub, details=details))
    if factor is not None and not removed:
        raise CommandError(f"the user has no factor {factor}")
    return {"removed": [factor_id for _method, factor_id, _name in removed]}


GROUP = Group("Second factors and passkeys.", {"list": list_factors, "remove": remove})

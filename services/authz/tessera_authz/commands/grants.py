"""`grants`: what users allowed clients."""

from typing import Annotated
from uuid import UUID

import typer

from tessera_authz.commands.work import Work
from tessera_authz.store import grant_list
from tessera_shared import clock
from tessera_shared.command_line import CommandError, Group, Result

Of = Annotated[str | None, typer.Option(help="Only of this client.")]
By = Annotated[str | None, typer.Option(help="Only of this user (sub).")]


async def list_grants(work: Work, client: Of = None, user: By = None) -> Result:
    """List the grants that are in force."""
    return await grant_list.live(work.database, client, user, clock.now())


async def show(work: Work, grant_id: UUID) -> Result:
    """Show a grant."""
    found = await grant_list.find(work.database, grant_id)
    if found is None:
        raise CommandError(f"there is no grant {grant_id}")
    return found


async def revoke(
    work: Work,
    grant_id: Annotated[UUID | None, typer.Argument(help="One grant; or give --client or --user.")] = None,
    client: Of = None,
    user: By = None,
) -> Result:
    """Revoke a grant, or all of a client or user, with all tokens; users are asked again."""
    if grant_id is None and client is None and user is None:
        raise CommandError("name a grant, --client or --user")
    if grant_id is not None:
        await show(work, grant_id)
        ids = [str(grant_id)]
    else:
        ids = [str(row["id"]) for row in await grant_list.live(work.database, client, user, clock.now())]
    for one in ids:
        await work.registry.revoker.revoke(one, "by an operator", work.actor)
    await grant_list.forget_consent(work.database, ids)
    return {"revoked": ids}


GROUP = Group("The grants of users to clients.", {"list": list_grants, "show": show, "revoke": revoke})

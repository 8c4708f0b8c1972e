"""`logouts`: which clients were told that a session has ended, and what came of it."""

from typing import Annotated, Literal

import typer

from tessera_authz.commands.work import Work
from tessera_authz.store import logout_deliveries
from tessera_shared.command_line import Group, Result

Of = Annotated[str | None, typer.Option(help="Only to this client.")]
By = Annotated[str | None, typer.Option(help="Only of this user (sub).")]
With = Annotated[
    Literal["pending", "delivered", "refused", "failed"] | None, typer.Option(help="Only with this outcome.")
]
Most = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest first.")]


async def list_logouts(
    work: Work, client: Of = None, user: By = None, outcome: With = None, most: Most = 100
) -> Result:
    """List the newest back-channel logouts."""
    return await logout_deliveries.list_all(work.database, client, user, outcome, most)


GROUP = Group("Logouts that clients are told of.", {"list": list_logouts})

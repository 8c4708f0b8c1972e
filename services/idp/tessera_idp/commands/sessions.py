"""`sessions`: where users are logged in."""

from typing import Annotated

import typer

from tessera_idp.commands.work import Work
from tessera_idp.store import user_list
from tessera_idp.store.sessions import SessionStore
from tessera_shared import audit, clock
from tessera_shared.audit import Event
from tessera_shared.command_line import CommandError, Group, Result

Of = Annotated[str | None, typer.Option(help="Only of this user: name or sub.")]


async def list_sessions(work: Work, user: Of = None) -> Result:
    """List the sessions that are live."""
    sub = None if user is None else (await work.find_user(user)).sub
    return await user_list.live_sessions(work.database, sub, clock.now())


async def show(work: Work, sid: str) -> Result:
    """Show a session."""
    for session in await user_list.live_sessions(work.database, None, clock.now()):
        if session["sid"] == sid:
            return session
    raise CommandError(f"there is no live session {sid}")


async def revoke(
    work: Work,
    sid: Annotated[str | None, typer.Argument(help="One session; or give --user.")] = None,
    user: Of = None,
) -> Result:
    """End a session, or all of a user, and revoke what was granted in it."""
    if (sid is None) == (user is None):
        raise CommandError("name a session, or --user")
    if sid is None:
        sub = None if user is None else (await work.find_user(user)).sub
        ended = [str(session["sid"]) for session in await user_list.live_sessions(work.database, sub, clock.now())]
    else:
        await show(work, sid)
        ended = [sid]
    for one in ended:
        now = clock.now()
        await work.announce(await SessionStore(work.database, "all").end(one, now, await work.revoked_until(now)))
        await audit.record(work.database, work.actor, Event("session.ended", one))
    return {"revoked": ended}


GROUP = Group("Login sessions.", {"list": list_sessions, "show": show, "revoke": revoke, "remove": revoke})

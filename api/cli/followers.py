"""`tabellion followers`: what follows the feed, how far, and where it stands still.

Exits 1 where a follower is parked, 2 where none is called as one that is to go on.
"""

from typing import Annotated
from uuid import UUID

import typer


def followers(
    resume: Annotated[
        str | None, typer.Option(help="A follower that shall go on where it is parked")
    ] = None,
    workspace: Annotated[
        UUID | None, typer.Option(help="With --resume: in this workspace alone")
    ] = None,
) -> None:
    """Show how far the followers are; have one go on."""
    from commands.embedded import database
    from commands.migrate import migrate
    from commands.settings import load_settings
    from projections.followed import parked, standings
    from projections.followed import resume as resume_follower
    from projections.postgres import connect

    if workspace is not None and resume is None:
        raise typer.BadParameter("--workspace goes with --resume")
    with database(load_settings()) as urls:
        migrate(urls)
        with connect(urls.app, autocommit=True) as app:
            if resume is not None:
                known = [one.follower for one in standings(app)]
                if resume not in known:
                    names = ", ".join(known) or "there is none yet"
                    raise typer.BadParameter(
                        f"no follower is called {resume}; known: {names}"
                    )
                only = None if workspace is None else str(workspace)
                went_on = resume_follower(app, resume, only)
                print(f"{resume} goes on in {went_on} workspaces")
            for one in standings(app):
                print(f"{one.follower}: {one.backlog} events behind, {one.lag:.1f} s")
            still = parked(app)
    for each in still:
        print(
            f"{each.follower} stands still in workspace {each.workspace_id} at"
            f" {each.seq} of {each.upto}: {each.error}"
        )
    raise typer.Exit(1 if still else 0)

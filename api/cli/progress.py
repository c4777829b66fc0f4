"""What the verbs without a server share: connections, and a bar a workspace."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    from domain.ids import WorkspaceId


@contextmanager
def offline() -> "Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]":
    """The database of the settings as its owner and as the app, migrated."""
    from commands.embedded import database
    from commands.migrate import migrate
    from commands.settings import load_settings
    from domain import nouns  # noqa: F401 - makes every event known
    from projections.postgres import connect

    logging.basicConfig(level="WARNING")
    with database(load_settings()) as urls:
        migrate(urls)
        with (
            connect(urls.owner, autocommit=True) as owner,
            connect(urls.app, autocommit=True) as app,
        ):
            for connection in (owner, app):
                connection.execute("SET statement_timeout = 0")
            yield owner, app


@contextmanager
def workspace_bars(
    owner: "psycopg.Connection[Any]", only: str | None
) -> "Iterator[Iterator[tuple[WorkspaceId, Callable[[int, int], None]]]]":
    """Every workspace with the function that moves its progress bar."""
    import typer
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from domain.ids import WorkspaceId, canonical
    from projections.rebuild import workspaces

    found = workspaces(owner)
    if only is not None:
        wanted = canonical(only)
        if wanted not in found:
            typer.echo(f"tabellion: there is no workspace {only}", err=True)
            raise typer.Exit(2)
        found = [WorkspaceId(str(wanted))]

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        overall = bars.add_task("workspaces", total=len(found))

        def each() -> "Iterator[tuple[WorkspaceId, Callable[[int, int], None]]]":
            for workspace_id in found:
                task = bars.add_task(workspace_id, total=None)

                def move(done: int, total: int, task: Any = task) -> None:
                    bars.update(task, completed=done, total=total)

                yield workspace_id, move
                bars.remove_task(task)
                bars.advance(overall)

        yield each()

"""`tabellion relay`: whether Kafka has what the ledger has, and sending again.

Exits 1 where they differ, 2 where one of them does not answer.
"""

from typing import Annotated, Any
from uuid import UUID

import typer

relay = typer.Typer(
    help="Compare Kafka with the ledger; send events again.", no_args_is_help=True
)
MOST_TOLD = 50  # differences


@relay.command()
def verify() -> None:
    """Read the topics and compare each message with its event, and the other way."""
    report = _run(_verify)
    for one in report.differences[:MOST_TOLD]:
        print(f"{one.what:8} {one.told} {one.where}".rstrip())
    if len(report.differences) > MOST_TOLD:
        print(f"... and {len(report.differences) - MOST_TOLD} more")
    print(
        f"{report.messages} messages: {report.events} events,"
        f" {report.duplicates} duplicates, {report.addresses} with the data's address;"
        f" {report.gone} events gone by retention;"
        f" {len(report.differences)} differences"
    )
    raise typer.Exit(1 if report.differences else 0)


@relay.command()
def republish(
    begin: Annotated[
        str, typer.Option("--from", help="A time; of one workspace also a position")
    ],
    end: Annotated[str, typer.Option("--to", help="The same; both are included")],
    workspace: Annotated[
        UUID | None, typer.Option(help="This workspace alone; else all of them")
    ] = None,
) -> None:
    """Send what was relayed between two moments once more."""
    for moment in (begin, end):
        _check(moment, workspace)
    only = None if workspace is None else str(workspace)
    sent = _run(_republish, workspace_id=only, begin=begin, end=end)
    print(f"{sent} events sent again")


def _check(moment: str, workspace: UUID | None) -> None:
    from datetime import datetime

    if moment.isascii() and moment.isdigit():
        if workspace is None:
            raise typer.BadParameter("a position is one of a workspace: --workspace")
        return
    try:
        datetime.fromisoformat(moment)
    except ValueError as error:
        raise typer.BadParameter(
            f"{moment} is no position and no time such as 2026-01-31T10:00:00Z"
        ) from error


def _run(work: Any, **more: Any) -> Any:
    """Runs it with the settings, a database and a line of progress."""
    import asyncio

    import psycopg
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    from commands.embedded import database
    from commands.migrate import MigrationError, migrate
    from commands.settings import SettingsError, load_settings
    from workers.following import Unavailable

    settings = load_settings()
    if not settings.kafka_bootstrap_servers:
        raise SettingsError("TABELLION_KAFKA_BOOTSTRAP_SERVERS is not set")
    try:
        with (
            database(settings) as urls,
            Progress(
                TextColumn("{task.completed} messages"),
                console=Console(stderr=True),
                transient=True,
            ) as bar,
        ):
            migrate(urls)
            task = bar.add_task("messages", total=None)
            return asyncio.run(
                work(
                    settings,
                    urls.follower,
                    progress=lambda done: bar.update(task, completed=done),
                    **more,
                )
            )
    except (Unavailable, psycopg.Error, MigrationError) as error:
        typer.echo(f"tabellion: {error}", err=True)
        raise typer.Exit(2) from error


async def _verify(*given: Any, **more: Any) -> Any:
    from workers.relay.parity import compare

    return await compare(*given, **more)


async def _republish(*given: Any, **more: Any) -> Any:
    from workers.relay.parity import republish

    return await republish(*given, **more)

"""`tabellion replay`: read models rebuilt from events, or compared with them."""

from typing import Annotated

import typer


def replay(
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Only compare; exit 1 where live and replayed differ"
        ),
    ] = False,
    workspace: Annotated[
        str | None, typer.Option(help="One workspace's id; all unless told")
    ] = None,
) -> None:
    """Rebuild the read models beside the live ones, then swap; or only compare."""
    from api.cli.progress import offline, workspace_bars

    differences = 0
    with offline() as (owner, app), workspace_bars(owner, workspace) as bars:
        from domain.ids import FOREIGN
        from projections import rebuild

        for workspace_id, progress in bars:
            if workspace_id == FOREIGN:
                continue  # no read model follows what programs append
            if not check:
                rebuild.rebuild(app, workspace_id, progress)
                continue
            found = rebuild.check(app, workspace_id, progress)
            differences += len(found)
            for one in found:
                typer.echo(f"{one.table}: only {one.side} has {one.row}")
    if check:
        typer.echo(
            "live and replayed agree" if not differences else f"{differences} differ"
        )
    else:
        typer.echo("rebuilt")
    raise typer.Exit(1 if differences else 0)

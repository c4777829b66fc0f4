"""`tabellion verify`: every invariant, workspace by workspace."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated

import typer


def verify(
    workspace: Annotated[
        str | None, typer.Option(help="One workspace's id; all unless told")
    ] = None,
) -> None:
    """Check every invariant of ledger and read models; exit 1 on a broken one."""
    from api.cli.progress import offline, workspace_bars

    broken = 0
    with offline() as (owner, app), workspace_bars(owner, workspace) as bars:
        from projections.verify import INSTANCE_INVARIANTS, INVARIANTS, see

        for workspace_id, progress in bars:
            see(app, workspace_id)
            for done, (name, invariant) in enumerate(INVARIANTS.items(), 1):
                for problem in _told(partial(invariant, app, workspace_id)):
                    broken += 1
                    typer.echo(f"{workspace_id} {name}: {problem}")
                progress(done, len(INVARIANTS))
        for name, whole in INSTANCE_INVARIANTS.items():
            for problem in whole(owner):
                broken += 1
                typer.echo(f"instance {name}: {problem}")
    typer.echo("every invariant holds" if not broken else f"{broken} problems")
    raise typer.Exit(1 if broken else 0)


def _told(check: Callable[[], Iterator[str]]) -> Iterator[str]:
    """The problems found; that an invariant cannot be checked at all is one too."""
    try:
        yield from check()
    except Exception as error:
        yield f"could not be checked: {type(error).__name__}: {error}"

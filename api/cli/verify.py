"""`tabellion verify`: every invariant, workspace by workspace."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any

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

        invariants = {**INVARIANTS, "contents_are_there": _contents}
        for workspace_id, progress in bars:
            see(app, workspace_id)
            for done, (name, invariant) in enumerate(invariants.items(), 1):
                for problem in _told(partial(invariant, app, workspace_id)):
                    broken += 1
                    typer.echo(f"{workspace_id} {name}: {problem}")
                progress(done, len(invariants))
        for name, whole in INSTANCE_INVARIANTS.items():
            for problem in whole(owner):
                broken += 1
                typer.echo(f"instance {name}: {problem}")
    typer.echo("every invariant holds" if not broken else f"{broken} problems")
    raise typer.Exit(1 if broken else 0)


def _contents(connection: Any, workspace_id: Any) -> Iterator[str]:
    """Every file has its content in the data directory, in its whole length."""
    from commands.files import problems
    from commands.settings import load_settings
    from projections.files import contents_of

    kept = contents_of(connection, workspace_id)
    yield from problems(load_settings().data_dir, kept)


def _told(check: Callable[[], Iterator[str]]) -> Iterator[str]:
    """The problems found; that an invariant cannot be checked at all is one too."""
    try:
        yield from check()
    except Exception as error:
        yield f"could not be checked: {type(error).__name__}: {error}"

"""`tabellion import`: a file of rows into a table, through the API as anyone would.

Exits 0 where all rows are in (or the preview is shown), 1 where the server refused or
was not reached, 2 where the command line makes no sense.
"""

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import AccountFile, Email, ServerUrl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from api.cli.http import Client, Reply

SECONDS = 600.0  # that a reply may take
SHOWN_PROBLEMS = 20
_WIDEST = 24  # characters of a cell that are shown


def import_file(
    file: Annotated[
        Path,
        typer.Argument(help="CSV: parted by , ; tab or |, in UTF-8 or Windows-1252"),
    ],
    table: Annotated[str, typer.Option(help="The table's id")],
    account: AccountFile = None,
    email: Email = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="A field's name or id for a column; COLUMN=new:TYPE makes the field,"
            " COLUMN= leaves the column out; as often as needed",
        ),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what is there and write nothing")
    ] = False,
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="Whether row 1 names the columns"),
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help=", ; tab or |; guessed unless told")
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="utf-8, utf-16 or windows-1252; guessed unless told"),
    ] = None,
    url: ServerUrl = None,
) -> None:
    """Import a CSV file into a table, all of it or nothing."""
    from rich.console import Console

    from api.cli.http import Client, Unreachable
    from api.cli.signing_in import credentials, failed, sign_in
    from commands.settings import load_settings

    form = {
        name: value
        for name, value in {
            "mapping": _mapping(mapped or ()),
            "preview": "true" if preview else None,
            "header": None if header is None else str(header).lower(),
            "delimiter": delimiter,
            "encoding": encoding,
        }.items()
        if value is not None
    }
    if not file.is_file():
        raise typer.BadParameter(f"{file} is no file", param_hint="FILE")
    body = credentials(account, email)
    console = Console(highlight=False)
    try:
        client = Client(url or load_settings().pybase_url, timeout=SECONDS)
        sign_in(client, body)
        reply = _send(client, file, table, form)
        client.close()
    except Unreachable as error:
        raise failed(str(error)) from error
    except OSError as error:
        raise failed(f"{file} cannot be read: {error.strerror}") from error
    if reply.status == 200:
        _show(console, reply.json)
    elif reply.status == 201:
        _tell(console, reply)
    else:
        _refused(reply)
        raise typer.Exit(1)


# ---------------------------------------------------------- what was asked for


def _mapping(given: "tuple[str, ...] | list[str]") -> str | None:
    """The form's mapping; None where every column goes into the field of its name."""
    targets: dict[str, object] = {}
    for one in given:
        column, equals, target = one.rpartition("=")
        if not equals or not column:
            raise typer.BadParameter(f"{one!r} is not COLUMN=FIELD", param_hint="--map")
        if column in targets:
            raise typer.BadParameter(f"{column!r} is there twice", param_hint="--map")
        kind = target.removeprefix("new:")
        if kind != target:
            targets[column] = {"new": {"name": column, "type": kind}}
        else:
            targets[column] = target or None
    return json.dumps(targets) if targets else None


# -------------------------------------------------------------------- calling


def _send(
    client: "Client", path: Path, table: str, form: "Mapping[str, str]"
) -> "Reply":
    from urllib.parse import quote

    with path.open("rb") as file, _progress(path.stat().st_size) as sent:
        target = f"/tables/{quote(table, safe='')}/import"
        return client.upload(target, file, form, sent=sent)


@contextmanager
def _progress(total: int) -> "Iterator[Callable[[int], None]]":
    """A function that moves one bar, on the terminal alone: what was sent, and then
    that the server is at it."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:
        bar = bars.add_task("sending", total=total or None)
        done = 0

        def sent(size: int) -> None:
            nonlocal done
            done += size
            bars.update(bar, completed=done)
            if done >= total:
                bars.update(bar, description="importing", total=None)

        yield sent


# -------------------------------------------------------------------- telling


def _tell(console: "Console", reply: "Reply") -> None:
    body = reply.json
    made = ", ".join(one["name"] for one in body["fields_created"])
    console.print(
        f"{body['imported']:,} records in {reply.seconds:.1f} s, batch"
        f" {body['batch_id']}, position {body['position']}",
        markup=False,
        soft_wrap=True,
    )
    if made:
        console.print(f"fields made: {made}", markup=False, soft_wrap=True)


def _show(console: "Console", body: Any) -> None:
    from rich.table import Table
    from rich.text import Text

    delimiter = {"\t": "tab"}.get(
        body["dialect"]["delimiter"], body["dialect"]["delimiter"]
    )
    console.print(
        f"{body['encoding']}, parted by {delimiter},"
        f" {'with' if body['header'] else 'without'} a header",
        markup=False,
    )
    shown = Table("column", "looks like", "field", "first values")
    for place, column in enumerate(body["columns"]):
        cells = [row[place] for row in body["rows"][:3] if place < len(row)]
        target = body["mapping"][column["name"]]
        shown.add_row(
            Text(column["name"]),
            column["type"],
            Text(target or "none: say --map"),
            Text(" · ".join(cell[:_WIDEST] for cell in cells)),
        )
    console.print(shown)


def _refused(reply: "Reply") -> None:
    from api.cli.signing_in import detail

    typer.echo(f"tabellion: {detail(reply)}", err=True)
    try:
        body = reply.json
    except ValueError:
        return
    problems = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(problems, list):
        return
    for one in problems[:SHOWN_PROBLEMS]:
        typer.echo(f"  {_place(one)}: {one.get('msg')}", err=True)
    left = int(body.get("total", len(problems))) - len(problems[:SHOWN_PROBLEMS])
    if left > 0:
        typer.echo(f"  and {left:,} more", err=True)


def _place(problem: "Mapping[str, Any]") -> str:
    if "row" in problem:
        column = problem.get("column")
        return f"row {problem['row']}" + (f", {column}" if column else "")
    return ", ".join(str(part) for part in problem.get("loc", ()))

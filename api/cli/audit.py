"""`tabellion audit`: who did what, through the API as anyone would.

The history of a record, or what one actor, batch or request did in a workspace, newest
first.  Exits 0 where the server answered, 1 where it refused or was not reached, 2
where the command line makes no sense.
"""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import AccountFile, Email, ServerUrl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console
    from rich.text import Text

    from api.cli.http import Client

SHOWN = 100  # rows, unless told
_PAGE = 1_000
_WIDEST = 48  # characters of a value that are shown
_COLOURS = {
    "created": "green",
    "added": "green",
    "restored": "cyan",
    "deleted": "red",
    "removed": "red",
}


def audit(
    record: Annotated[str | None, typer.Option(help="A record's history")] = None,
    actor: Annotated[str | None, typer.Option(help="What this user did")] = None,
    batch: Annotated[str | None, typer.Option(help="What this batch did")] = None,
    request: Annotated[
        str | None, typer.Option(help="What the request of this id did")
    ] = None,
    workspace: Annotated[
        str | None, typer.Option(help="The workspace's id; a record needs none")
    ] = None,
    account: AccountFile = None,
    email: Email = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="Rows at the most")
    ] = SHOWN,
    as_json: Annotated[
        bool, typer.Option("--json", help="An object a line, as the API gives it")
    ] = False,
    url: ServerUrl = None,
) -> None:
    """Tell who did what: to a record, or by an actor, a batch or a request."""
    from api.cli.console import endless_console
    from api.cli.http import Client, Unreachable
    from api.cli.signing_in import credentials, failed, sign_in
    from commands.settings import load_settings

    path, query = _target(record, actor, batch, request, workspace)
    body = credentials(account, email)
    try:
        client = Client(url or load_settings().pybase_url)
        sign_in(client, body)
        items, more = _ask(client, path, query, limit)
        client.close()
    except Unreachable as error:
        raise failed(str(error)) from error
    if as_json:
        for item in items:
            typer.echo(json.dumps(item, ensure_ascii=False))
        return
    _show(endless_console(), items)
    if more:
        typer.echo(f"and more: --limit shows them, now {limit:,}", err=True)


def _target(
    record: str | None,
    actor: str | None,
    batch: str | None,
    request: str | None,
    workspace: str | None,
) -> "tuple[str, dict[str, object]]":
    """The call: its path and its query."""
    from urllib.parse import quote

    query = {
        name: value
        for name, value in {"actor": actor, "batch": batch, "request": request}.items()
        if value is not None
    }
    if record is not None:
        if query:
            raise typer.BadParameter(
                "a record's history is asked for alone", param_hint="--record"
            )
        return f"/records/{quote(record, safe='')}/history", {}
    if workspace is None:
        raise typer.BadParameter(
            "give a record, or a workspace with an actor, a batch or a request",
            param_hint="--record, --workspace",
        )
    return "/audit", {"workspace_id": workspace, **query}


def _ask(
    client: "Client", path: str, query: "Mapping[str, object]", limit: int
) -> "tuple[list[Any], bool]":
    """The newest items, and whether there are more."""
    from api.cli.signing_in import detail, failed

    items: list[Any] = []
    after: dict[str, object] = {}
    while True:
        page = {"limit": min(_PAGE, limit - len(items))}
        reply = client.call("GET", path, query={**query, **page, **after})
        if reply.status != 200:
            raise failed(detail(reply))
        body = reply.json
        items += body["items"]
        if body["next"] is None or len(items) >= limit:
            return items, body["next"] is not None
        after = {"after": body["next"]}


# -------------------------------------------------------------------- telling


def _show(console: "Console", items: "Sequence[Mapping[str, Any]]") -> None:
    from rich.table import Table
    from rich.text import Text

    if not items:
        console.print("nothing happened")
        return
    told = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    told.add_column("position", justify="right", no_wrap=True)
    told.add_column("when", no_wrap=True)
    told.add_column("who", overflow="ellipsis", no_wrap=True, max_width=14)
    told.add_column("what", overflow="fold")
    for item in items:
        told.add_row(
            Text(f"{item['position']:,}"),
            Text(_moment(item["at"]), style="dim"),
            Text(_who(item["actor"])),
            _what(item),
        )
    console.print(told)


def _moment(at: str) -> str:
    """To the second, in UTC; --json has all of it."""
    return at[:19].replace("T", " ")


def _who(actor: "Mapping[str, Any]") -> str:
    return str(actor["name"] or f"{actor['kind']} {actor['id'][:8]}")


def _what(item: "Mapping[str, Any]") -> "Text":
    """The event and its surface; below, what it was about, or what it changed."""
    from rich.text import Text

    kind = item["type"]
    told = Text()
    told.append(kind, style=_COLOURS.get(kind.rpartition(".")[2], "yellow"))
    told.append(f"  {item['surface']}", style="dim")
    if "changes" not in item:
        return told.append("\n").append_text(_resource(item["resource"]))
    for name, change in item["changes"].items():
        told.append("\n").append(_value(name)).append("  ")
        for text, style in _sides(change):
            told.append(text, style=style)
    return told


def _resource(resource: "Mapping[str, Any]") -> "Text":
    from rich.text import Text

    told = Text()
    if resource["name"]:
        told.append(_value(resource["name"])).append("  ")
    return told.append(resource["id"], style="dim")


def _sides(change: "Mapping[str, Any]") -> "Iterator[tuple[str, str]]":
    """What was and what is; of links, what went and what came."""
    if "added" in change:
        yield from ((f"-{one} ", "red") for one in change["removed"])
        yield from ((f"+{one} ", "green") for one in change["added"])
        return
    if change["from"] is not None:
        yield _value(change["from"]), "red"
        yield " → ", "dim"
    yield _value(change["to"]), "green"


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = "".join(one if one.isprintable() else " " for one in text)
    return shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…"
